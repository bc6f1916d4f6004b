#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::state {

/// 64 random lower-case hexadecimal digits: the id of a sandbox or a container.
/// Errors: the kernel's, of getrandom(2).
Result<std::string> NewId();

/// True for what NewId makes. An id becomes a file name, so nothing else may pass.
bool IsId(std::string_view text);

}  // namespace trivet::state
