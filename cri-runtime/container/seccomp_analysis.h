#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cri-runtime/container/seccomp_program.h"

namespace trivet::container {

/// The values from `start` on, up to the next range's, and what they lead to.
struct Range {
  uint32_t start;
  size_t what;
  auto operator<=>(const Range&) const = default;
};

/// All values there are, in order; neighbours lead to different things.
using Ranges = std::vector<Range>;

/// What a program does by a system call's architecture and number.
struct CallTable {
  Ranges architectures;         // to an index in `numbers`
  std::vector<Ranges> numbers;  // to an instruction of the program; no two are the same
};

/// The instructions of the table are those by which the answer is given, the first of those that
/// give the same one, or from which on it depends on more than architecture and number.
/// Nothing for a program that does more with the two than to compare them with constants.
std::optional<CallTable> AnalyzeByNumber(const SeccompProgram& program);

}  // namespace trivet::container
