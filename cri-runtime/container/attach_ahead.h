#pragma once

#include <filesystem>
#include <string_view>

#include "common/linux/cgroup.h"

namespace trivet::container {

/// Begins what the start of a container would wait for, on a thread of its own: on cgroup v1
/// whoever enters a group waits for a grace period of the kernel's RCU (5 to 10 ms), but not when
/// another has entered one shortly before (about 10 ms). So this process enters the group that it
/// is in, which changes nothing; if it cannot, nothing is lost. Not for cgroup v2, where containers
/// are born in their groups.
/// Source: cgroup_attach_lock() in kernel/cgroup/cgroup.c, rcu_sync_enter() in kernel/rcu/sync.c.
void BeginAttachWait(const Cgroups& cgroups, const std::filesystem::path& cgroup_root);

/// "cgroup.procs" of the group in the hierarchy of the controller pids that a text like
/// /proc/self/cgroup ("4:pids:/a/b") names; empty when there is none below the root.
std::filesystem::path OwnPidsGroup(std::string_view text, const std::filesystem::path& cgroup_root);

}  // namespace trivet::container
