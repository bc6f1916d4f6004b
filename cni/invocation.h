#pragma once

#include <string>
#include <string_view>

#include "cni/environment.h"

namespace trivet::cni {

/// One run of the program, as a runtime sees it.
struct Output {
  std::string text;  // for standard output
  int exit_status = 0;
};

/// Runs the command that the environment names with the configuration in `input`.
/// `program` is the base name of argv[0]: where it is a plugin's type it decides, else the
/// configuration's "type" does. A failure is the spec's error object and exit status 1.
Output Invoke(std::string_view program, const LookUpVariable& look_up, std::string_view input);

/// A network configuration, or a list of them: the messages of what is wrong with the plugins that
/// are ours. Errors: kInvalidArgument, kUnimplemented.
Result<> CheckConfiguration(std::string_view text);

/// Standard input is refused beyond this.
inline constexpr uint64_t kMaxInputBytes = uint64_t{1} << 20;

}  // namespace trivet::cni
