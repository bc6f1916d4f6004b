#include "cri-runtime/container/seccomp_analysis.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace trivet::container {
namespace {

// Values from which on a comparison that was met may come out otherwise: between two of them all
// values are alike.
using Starts = std::set<uint32_t>;

void Split(Starts& starts, uint32_t constant) {
  starts.insert(constant);
  if (constant != UINT32_MAX) starts.insert(constant + 1);
}

struct Call {
  uint32_t architecture = 0;
  uint32_t number = 0;
};

bool LoadsMore(const sock_filter& instruction) {
  return instruction.code == kLoad && instruction.k != kNumberOffset &&
         instruction.k != kArchitectureOffset;
}

// The instruction by which the answer is given, or from which on it depends on more than `call`;
// what the architecture is compared with is added to `architectures`. Nothing for a program that
// computes.
std::optional<size_t> Follow(const SeccompProgram& program, const Call& call,
                             Starts& architectures) {
  uint32_t value = 0;
  bool is_architecture = false;
  for (size_t at = 0; at < program.size(); ++at) {  // all jumps are forward
    const sock_filter& instruction = program[at];
    if (instruction.code == kReturn || LoadsMore(instruction)) return at;
    if (instruction.code == kLoad) {
      is_architecture = instruction.k == kArchitectureOffset;
      value = is_architecture ? call.architecture : call.number;
    } else if (IsComparison(instruction.code)) {
      if (is_architecture) Split(architectures, instruction.k);
      at += Skipped(instruction, value);
    } else if (instruction.code == kJump) {
      at += instruction.k;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void Add(Ranges& ranges, uint32_t start, size_t what) {
  if (ranges.empty() || ranges.back().what != what) ranges.push_back({start, what});
}

class Analysis {
 public:
  explicit Analysis(const SeccompProgram& program) : program_(program) {
    for (size_t at = 0; at < program.size(); ++at) {
      if (IsComparison(program[at].code)) Split(numbers_, program[at].k);
      if (program[at].code == kReturn) answers_.emplace(program[at].k, at);
    }
  }

  std::optional<CallTable> MakeTable() {
    CallTable table;
    // Architectures that are met on the way are above, or are gone through the next time.
    for (size_t known = 0; known != architectures_.size();) {
      known = architectures_.size();
      table = {};
      for (const uint32_t architecture : Starts(architectures_)) {
        auto numbers = NumbersOf(architecture);
        if (!numbers) return std::nullopt;
        const auto same = std::ranges::find(table.numbers, *numbers);
        Add(table.architectures, architecture, static_cast<size_t>(same - table.numbers.begin()));
        if (same == table.numbers.end()) table.numbers.push_back(std::move(*numbers));
      }
    }
    return table;
  }

 private:
  std::optional<Ranges> NumbersOf(uint32_t architecture) {
    Ranges numbers;
    for (const uint32_t number : numbers_) {
      auto at = Follow(program_, {.architecture = architecture, .number = number}, architectures_);
      if (!at) return std::nullopt;
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

}  // namespace

std::optional<CallTable> AnalyzeByNumber(const SeccompProgram& program) {
  return Analysis(program).MakeTable();
}

}  // namespace trivet::container
