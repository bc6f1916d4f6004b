#pragma once

#include <string_view>

namespace trivet::container {

/// Whether the kernel has a profile of that name; `profiles` is its list of them, a line
/// "NAME (MODE)" for each. Source: /sys/kernel/security/apparmor/profiles, man 8 aa-status.
bool IsProfileLoaded(std::string_view profiles, std::string_view name);

}  // namespace trivet::container
