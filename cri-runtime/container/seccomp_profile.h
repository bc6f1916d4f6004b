#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::container {

/// A comparison of one argument of a system call. Numbers are libseccomp's.
struct SeccompArgument {
  uint32_t index = 0;
  uint32_t comparison = 0;  // enum scmp_compare
  uint64_t value = 0;
  uint64_t value_two = 0;  // what SCMP_CMP_MASKED_EQ compares with
};

struct SeccompRule {
  std::vector<std::string> names;
  uint32_t action = 0;  // SCMP_ACT_…
  std::vector<SeccompArgument> arguments;
};

/// What system calls do. Names that the library does not know are passed over, as runc does.
struct SeccompProfile {
  uint32_t default_action = 0;
  std::vector<SeccompRule> rules;
};

/// Reads a profile of the OCI runtime specification, with the includes and excludes of the
/// container engines: rules that do not apply to `capabilities`, this architecture or this kernel
/// are left out.
/// Errors: kInvalidArgument naming the rule and the field.
Result<SeccompProfile> ParseSeccompProfile(std::string_view text, uint64_t capabilities);

/// The profile of "RuntimeDefault": what the field's runtimes allow.
SeccompProfile DefaultSeccompProfile(uint64_t capabilities);

}  // namespace trivet::container
