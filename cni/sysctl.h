#pragma once

#include <string_view>

#include "common/base/error.h"

namespace trivet::cni {

/// Writes /proc/sys/<name> unless it has that value already, in the calling thread's network
/// namespace. Errors: kNotFound when the kernel has no such setting.
Result<> SetSysctl(std::string_view name, std::string_view value);

/// As SetSysctl, and a setting that the kernel does not have is success: IPv6 may be compiled out.
Result<> SetSysctlIfPresent(std::string_view name, std::string_view value);

}  // namespace trivet::cni
