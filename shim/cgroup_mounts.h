#pragma once

#include <sys/mount.h>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/init_plan.h"

namespace trivet::shim {

/// The attributes of the system's own file systems: nothing in them is a program or a device.
inline constexpr uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// Plans the container's own view of its cgroup: cgroup2, or one mount per v1 hierarchy the
/// container has a group in: of the node's mount, from the group down, as a new one in the
/// container's cgroup namespace is, too. In the node's cgroup namespace, where a new one would show
/// the root: the node's mount of cgroup2. Always read-only unless the spec's attributes are empty
/// of it.
Result<> PlanCgroupMounts(const ContainerSpec& spec, const MountSpec& mount, InitPlan& plan);

}  // namespace trivet::shim
