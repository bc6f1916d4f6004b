#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::container {

/// Whether the kernel has a profile of that name; `profiles` is its list of them, a line
/// "NAME (MODE)" for each. Source: /sys/kernel/security/apparmor/profiles, man 8 aa-status.
bool IsProfileLoaded(std::string_view profiles, std::string_view name);

/// The name of the profile that is RuntimeDefault: packaging/apparmor/trivet-default. Empty where
/// `profiles` could not be found, which is a kernel without AppArmor.
/// Errors: kFailedPrecondition when it is not loaded; that of `profiles`.
Result<std::string> FindDefaultProfile(const Result<std::string>& profiles);

}  // namespace trivet::container
