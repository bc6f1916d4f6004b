#include "cri-runtime/container/seccomp_lookup.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>

namespace trivet::container {
namespace {

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kJump = BPF_JMP | BPF_JA;
constexpr uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kJumpIfAbove = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint16_t kJumpIfNotBelow = BPF_JMP | BPF_JGE | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;

constexpr uint32_t kNumberOffset = offsetof(seccomp_data, nr);
constexpr uint32_t kArchitectureOffset = offsetof(seccomp_data, arch);

// Values from which on a comparison that was met may come out otherwise: between two of them all
// values are alike.
using Starts = std::set<uint32_t>;

bool IsComparison(uint16_t code) {
  return code == kJumpIfEqual || code == kJumpIfAbove || code == kJumpIfNotBelow;
}

bool Holds(const sock_filter& comparison, uint32_t value) {
  if (comparison.code == kJumpIfEqual) return value == comparison.k;
  if (comparison.code == kJumpIfAbove) return value > comparison.k;
  return value >= comparison.k;
}

void Split(Starts& starts, uint32_t constant) {
  starts.insert(constant);
  if (constant != UINT32_MAX) starts.insert(constant + 1);
}

struct Call {
  uint32_t architecture = 0;
  uint32_t number = 0;
};

// The instruction by which the answer is given, or from which on it depends on more than `call`;
// what the architecture is compared with is added to `architectures`. Nothing for a program that
// computes.
std::optional<size_t> Follow(const SeccompProgram& program, const Call& call,
                             Starts& architectures) {
  uint32_t value = 0;
  bool is_architecture = false;
  for (size_t at = 0; at < program.size(); ++at) {  // all jumps are forward
    const sock_filter& instruction = program[at];
    if (instruction.code == kReturn) return at;
    if (instruction.code == kLoad) {
      if (instruction.k != kNumberOffset && instruction.k != kArchitectureOffset) return at;
      is_architecture = instruction.k == kArchitectureOffset;
      value = is_architecture ? call.architecture : call.number;
    } else if (IsComparison(instruction.code)) {
      if (is_architecture) Split(architectures, instruction.k);
      at += Holds(instruction, value) ? instruction.jt : instruction.jf;
    } else if (instruction.code == kJump) {
      at += instruction.k;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// From `start` on, up to the next one's: numbers with the instruction they lead to, or
// architectures with a table of numbers.
template <class What>
struct Range {
  uint32_t start;
  What what;
  bool operator==(const Range&) const = default;
};
using Numbers = std::vector<Range<size_t>>;
using Table = std::vector<Range<Numbers>>;

template <class What>
void Add(std::vector<Range<What>>& ranges, uint32_t start, What what) {
  if (ranges.empty() || ranges.back().what != what) ranges.push_back({start, std::move(what)});
}

class Analysis {
 public:
  explicit Analysis(const SeccompProgram& program) : program_(program) {
    for (size_t at = 0; at < program.size(); ++at) {
      if (IsComparison(program[at].code)) Split(numbers_, program[at].k);
      if (program[at].code == kReturn) answers_.emplace(program[at].k, at);
    }
  }

  std::optional<Table> MakeTable() {
    Table table;
    // Architectures that are met on the way are above, or are gone through the next time.
    for (size_t known = 0; known != architectures_.size();) {
      known = architectures_.size();
      table.clear();
      for (const uint32_t architecture : Starts(architectures_)) {
        auto numbers = NumbersOf(architecture);
        if (!numbers) return std::nullopt;
        Add(table, architecture, std::move(*numbers));
      }
    }
    return table;
  }

 private:
  std::optional<Numbers> NumbersOf(uint32_t architecture) {
    Numbers numbers;
    for (const uint32_t number : numbers_) {
      auto at = Follow(program_, {architecture, number}, architectures_);
      if (!at) return std::nullopt;
      // Of answers that are the same, the first.
      if (program_[*at].code == kReturn) at = answers_.at(program_[*at].k);
      Add(numbers, number, *at);
    }
    return numbers;
  }

  const SeccompProgram& program_;
  Starts numbers_{0};
  Starts architectures_{0};
  std::map<uint32_t, size_t> answers_;
};

SeccompProgram Joined(SeccompProgram first, const SeccompProgram& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// What goes on with the part of the range that the loaded value is in.
template <class What, class Part>
SeccompProgram Search(std::span<const Range<What>> ranges, const Part& part) {
  constexpr size_t kFarthest = UINT8_MAX;
  if (ranges.size() == 1) return part(ranges.front().what);
  const auto half = static_cast<std::ptrdiff_t>(ranges.size() / 2);
  const auto above = ranges.subspan(static_cast<size_t>(half));
  const SeccompProgram low = Search(ranges.first(static_cast<size_t>(half)), part);
  const auto skip = static_cast<uint32_t>(low.size());
  SeccompProgram program;
  if (skip <= kFarthest) {
    program.push_back({kJumpIfNotBelow, static_cast<uint8_t>(skip), 0, above.front().start});
  } else {
    program.push_back({kJumpIfNotBelow, 0, 1, above.front().start});
    program.push_back({kJump, 0, 0, skip});
  }
  return Joined(Joined(std::move(program), low), Search(above, part));
}

// The part of a program that is reached from some of its instructions, in the same order: no jump
// gets longer.
class Remainder {
 public:
  explicit Remainder(const SeccompProgram& program) : program_(program) {}

  void Need(size_t at) {
    if (at >= program_.size() || !places_.emplace(at, 0).second) return;
    const sock_filter& instruction = program_[at];
    if (BPF_CLASS(instruction.code) == BPF_RET) return;
    if (BPF_CLASS(instruction.code) != BPF_JMP) return Need(at + 1);
    if (instruction.code == kJump) return Need(at + 1 + instruction.k);
    Need(at + 1 + instruction.jt);
    Need(at + 1 + instruction.jf);
  }

  SeccompProgram Take() {
    size_t next = 0;
    for (auto& [at, place] : places_) place = next++;
    SeccompProgram taken;
    for (const auto& [at, place] : places_) taken.push_back(Moved(at));
    return taken;
  }

  [[nodiscard]] size_t PlaceOf(size_t at) const { return places_.at(at); }

 private:
  [[nodiscard]] sock_filter Moved(size_t at) const {
    sock_filter moved = program_[at];
    if (BPF_CLASS(moved.code) != BPF_JMP) return moved;
    const auto distance = [&](size_t skipped) {
      return places_.at(at + 1 + skipped) - places_.at(at) - 1;
    };
    if (moved.code == kJump) {
      moved.k = static_cast<uint32_t>(distance(moved.k));
    } else {
      moved.jt = static_cast<uint8_t>(distance(moved.jt));
      moved.jf = static_cast<uint8_t>(distance(moved.jf));
    }
    return moved;
  }

  const SeccompProgram& program_;
  std::map<size_t, size_t> places_;  // by the old one
};

// A jump into the remainder, until its place is known: `jt` of a jump means nothing.
constexpr uint8_t kToRemainder = 1;

void SetJumps(SeccompProgram& program, const Remainder& remainder) {
  for (size_t at = 0; at < program.size(); ++at) {
    sock_filter& jump = program[at];
    if (jump.code != kJump || jump.jt != kToRemainder) continue;
    const size_t target = program.size() + remainder.PlaceOf(jump.k);
    jump = {kJump, 0, 0, static_cast<uint32_t>(target - at - 1)};
  }
}

SeccompProgram Write(const SeccompProgram& program, const Table& table) {
  Remainder remainder(program);
  const auto answer = [&](size_t at) -> SeccompProgram {
    if (program[at].code == kReturn) return {program[at]};
    remainder.Need(at);
    return {{kJump, kToRemainder, 0, static_cast<uint32_t>(at)}};
  };
  const auto look_up = [&](const Numbers& numbers) {
    return Joined({{kLoad, 0, 0, kNumberOffset}}, Search(std::span(numbers), answer));
  };
  SeccompProgram written =
      Joined({{kLoad, 0, 0, kArchitectureOffset}}, Search(std::span(table), look_up));
  const SeccompProgram rest = remainder.Take();
  SetJumps(written, remainder);
  return Joined(std::move(written), rest);
}

}  // namespace

SeccompProgram LookUpByNumber(SeccompProgram program) {
  if (program.size() > BPF_MAXINSNS) return program;  // the kernel takes no such
  const auto table = Analysis(program).MakeTable();
  if (!table) return program;
  SeccompProgram shorter = Write(program, *table);
  return shorter.size() < program.size() ? shorter : program;
}

}  // namespace trivet::container
