#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::cni {

/// The file of a setting of the network, relative to /proc/sys/net:
/// "net.ipv4.conf.IFNAME.rp_filter" is "ipv4/conf/eth0/rp_filter". Dots and slashes both separate;
/// the first IFNAME stands for the interface. Errors: kInvalidArgument for a name that is not below
/// net/, or has an empty part, "." or "..".
Result<std::string> NetSysctlPath(std::string_view name, const std::string& ifname);

/// The setting's value without its closing line feed, in the network namespace of the calling
/// thread. The path cannot lead out of /proc/sys/net. Errors: kNotFound when the kernel has none.
Result<std::string> ReadNetSysctl(const std::string& path);

/// Writes it, in one write(2). Errors: as ReadNetSysctl, and what the kernel says of the value.
Result<> WriteNetSysctl(const std::string& path, std::string_view value);

/// Whether two values mean the same to the kernel, which separates numbers by tabs.
bool IsSameSysctlValue(std::string_view left, std::string_view right);

/// Errors: kPermissionDenied when `file` exists and none of its lines, regular expressions as grep
/// -E takes them, matches `name`; kFailedPrecondition when it cannot be read or a line is no such
/// expression.
Result<> CheckSysctlIsAllowed(const std::filesystem::path& file, const std::string& name);

/// The reference's file. Absent: everything below net/ is allowed.
inline constexpr const char* kSysctlAllowList = "/etc/cni/tuning/allowlist.conf";

}  // namespace trivet::cni
