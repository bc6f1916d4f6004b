#include "cri-runtime/container/seccomp_lookup.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "cri-runtime/container/seccomp_analysis.h"
#include "cri-runtime/container/seccomp_search.h"
#include "cri-runtime/container/seccomp_writer.h"

namespace trivet::container {
namespace {

// The kernel asks about the numbers it has, of this architecture and its 32-bit sibling: Linux
// 6.18 has so many.
constexpr uint32_t kNumbers = 470;

using PlaceOf = std::function<size_t(size_t what)>;

// Writes the search for the range that a value is in.
class SearchWriter {
 public:
  // `place_of` answers the place of what a range leads to.
  SearchWriter(BackwardWriter& writer, const Ranges& ranges, uint32_t asked, PlaceOf place_of)
      : writer_(writer), ranges_(ranges), plan_(ranges, asked), place_of_(std::move(place_of)) {}

  // The place of `load`, which loads the value.
  size_t Write(const sock_filter& load) { return writer_.Before(Search(0, ranges_.size()), load); }

 private:
  size_t Search(size_t first, size_t last) {
    if (last - first == 1) return place_of_(ranges_[first].what);
    const auto [cost, split, rest] = plan_.Best(first, last);
    if (split == 0) return CompareSingles(first, last, rest);
    // What one range leads to is mostly written already: the other side comes directly behind the
    // comparison, for which one jump then does.
    size_t below = split - first == 1 ? Search(first, split) : 0;
    const size_t above = Search(split, last);
    if (split - first != 1) below = Search(first, split);
    return writer_.Compare(kJumpIfNotBelow, ranges_[split].start, above, below);
  }

  size_t CompareSingles(size_t first, size_t last, size_t rest) {
    size_t place = place_of_(rest);
    for (size_t range = first; range < last; ++range) {
      const auto [start, what] = ranges_[range];
      if (what != rest) place = writer_.Compare(kJumpIfEqual, start, place_of_(what), place);
    }
    return place;
  }

  BackwardWriter& writer_;
  const Ranges& ranges_;
  SearchPlan plan_;
  PlaceOf place_of_;
};

// Writes what a program does, without its jumps to jumps and comparisons that are decided.
class Rewriter {
 public:
  Rewriter(BackwardWriter& writer, const SeccompProgram& program)
      : writer_(writer), program_(program) {}

  // The place of what it does from `at` on.
  size_t PlaceOf(size_t at) {
    const auto known = places_.find(at);
    return known != places_.end() ? known->second : places_[at] = Write(at);
  }

 private:
  size_t Write(size_t at) {
    const sock_filter& instruction = program_.at(at);
    const size_t next = at + 1;
    if (BPF_CLASS(instruction.code) == BPF_RET) return writer_.End(instruction);
    if (instruction.code == kJump) return PlaceOf(next + instruction.k);
    if (BPF_CLASS(instruction.code) != BPF_JMP) return WriteStep(instruction, next);
    const size_t met = PlaceOf(next + instruction.jt);
    return writer_.Compare(instruction.code, instruction.k, met, PlaceOf(next + instruction.jf));
  }

  size_t WriteStep(const sock_filter& instruction, size_t next) {
    // So libseccomp compares the half of an argument of which no bit counts.
    if (instruction.code == kMask && instruction.k == 0 && IsComparison(program_.at(next).code)) {
      const size_t decided = PlaceOf(next + 1 + Skipped(program_[next], 0));
      if (writer_.IgnoresValue(decided)) return decided;
    }
    return writer_.Before(PlaceOf(next), instruction);
  }

  BackwardWriter& writer_;
  const SeccompProgram& program_;
  std::map<size_t, size_t> places_;
};

SeccompProgram Write(const SeccompProgram& program, const CallTable& table) {
  BackwardWriter writer;
  Rewriter rewriter(writer, program);
  const auto place_of = [&](size_t at) { return rewriter.PlaceOf(at); };
  const auto look_up = [&](size_t index) {
    return SearchWriter(writer, table.numbers[index], kNumbers, place_of)
        .Write({.code = kLoad, .jt = 0, .jf = 0, .k = kNumberOffset});
  };
  return writer.Take(SearchWriter(writer, table.architectures, 0, look_up)
                         .Write({.code = kLoad, .jt = 0, .jf = 0, .k = kArchitectureOffset}));
}

}  // namespace

SeccompProgram LookUpByNumber(SeccompProgram program) {
  if (program.size() > BPF_MAXINSNS) return program;  // the kernel takes no such
  const auto table = AnalyzeByNumber(program);
  if (!table) return program;
  const SeccompProgram shorter = Write(program, *table);
  return shorter.size() < program.size() ? shorter : program;
}

}  // namespace trivet::container
