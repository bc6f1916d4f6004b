#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "proto/trivet/shim.h"

namespace trivet::shim {

struct Sysctl {
  std::string path;  // below /proc/sys: "net/ipv4/ip_forward"
  std::string value;
};

/// Parses "net.ipv4.ip_forward=1". Only what belongs to a namespace the pod has of its own is
/// taken; the rest would change the node.
/// Errors: kInvalidArgument naming the entry.
Result<Sysctl> ParseSysctl(std::string_view text, const SandboxSpec& spec);

/// Writes them in this process's namespaces, through a proc of its own: whatever is mounted over
/// /proc is not in the way.
Result<> WriteSysctls(const std::vector<Sysctl>& sysctls);

/// Writes one through the proc that `proc_fd` is the root of.
Result<> WriteSysctl(int proc_fd, const Sysctl& sysctl);

}  // namespace trivet::shim
