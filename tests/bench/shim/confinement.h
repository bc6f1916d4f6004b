#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/unique_fd.h"

namespace trivet::bench::floor {

/// The default ones: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP,
/// NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
constexpr uint64_t kCapabilities = 0xa80425fb;

/// What a kubelet has a container confined to, beyond namespaces and groups.
struct Confinement {
  using Mount = std::pair<UniqueFd, const char*>;  // a detached one, and the file that it goes over
  std::vector<Mount> mounts;
  std::string filter;  // seccomp's: an array of struct sock_filter
};

/// The container's process, in its root with its mounts: the ones above, those that every container
/// has (sysfs, mqueue, shm, on cgroup v2 its groups), the kubelet's masked and read-only paths, no
/// new privileges, the default capabilities, the filter. Ends the process where a step fails.
void Confine(const Confinement& confinement, bool shows_groups);

}  // namespace trivet::bench::floor
