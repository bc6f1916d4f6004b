#pragma once

#include <sys/mount.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/init_plan.h"

namespace trivet::shim {

/// The attributes of the system's own file systems: nothing in them is a program or a device.
inline constexpr uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// A mounted hierarchy of cgroup v1.
struct Hierarchy {
  std::string mount_point;
  std::vector<std::string> controllers;  // {"cpu", "cpuacct"}
};

/// The v1 hierarchies in the text of /proc/self/mountinfo.
std::vector<Hierarchy> ParseHierarchies(std::string_view mountinfo);

/// Plans the container's own view of its cgroup: cgroup2, or one mount per v1 hierarchy the
/// container has a group in. In the node's cgroup namespace, where new mounts would show the roots:
/// the node's mount of cgroup2, or its groups of v1. Always read-only unless the spec's attributes
/// are empty of it.
Result<> PlanCgroupMounts(const ContainerSpec& spec, const MountSpec& mount, InitPlan& plan);

}  // namespace trivet::shim
