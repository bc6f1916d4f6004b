#pragma once

#include <string_view>

#include "common/base/error.h"

namespace trivet::image {

/// The number of a signal written as an image's STOPSIGNAL may be: "SIGTERM",
/// "TERM", "15", "SIGRTMIN+3", in any case. Numbers are Linux's on x86 and Arm, 1 to 64.
/// Errors: kInvalidArgument.
/// Source: man 7 signal; OCI image specification, config.md "StopSignal".
Result<int> ParseSignal(std::string_view text);

}  // namespace trivet::image
