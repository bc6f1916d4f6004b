#include "shim/cgroup_mounts.h"

#include <sys/mount.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/linux/file.h"

namespace trivet::shim {
namespace {

bool IsController(std::string_view option) {
  for (const std::string_view name :
       {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "pids", "blkio", "net_cls",
        "net_prio", "perf_event", "hugetlb", "rdma", "misc"}) {
    if (option == name) return true;
  }
  return false;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
  return joined;
}

bool HasGroupIn(const ContainerSpec& spec, const Hierarchy& hierarchy) {
  return std::ranges::any_of(spec.cgroup_procs, [&](const std::string& file) {
    return file.starts_with(hierarchy.mount_point + '/');
  });
}

MountPlan FolderPlan(const MountSpec& mount) {
  return {.target = mount.target,
          .file_system = "tmpfs",
          .options = {{"mode", "755"}, {"size", "64k"}},
          .attributes = kQuiet};
}

MountPlan HierarchyPlan(const MountSpec& mount, const Hierarchy& hierarchy) {
  MountPlan plan{.target = mount.target + '/' + Joined(hierarchy.controllers),
                 .file_system = "cgroup",
                 .attributes = mount.attributes | kQuiet};
  for (const std::string& controller : hierarchy.controllers) {
    plan.options.emplace_back(controller, "");
  }
  return plan;
}

}  // namespace

// "36 35 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu"; man 5 proc.
std::vector<Hierarchy> ParseHierarchies(std::string_view mountinfo) {
  constexpr size_t kMountPoint = 4;
  std::vector<Hierarchy> hierarchies;
  for (const std::string_view line : SplitAt(mountinfo, '\n')) {
    const std::vector<std::string_view> fields = SplitAt(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() <= kMountPoint || fields.end() - dash < 4 || dash[1] != "cgroup") continue;
    Hierarchy hierarchy{std::string(fields[kMountPoint]), {}};
    for (const std::string_view option : SplitAt(dash[3], ',')) {
      if (IsController(option)) hierarchy.controllers.emplace_back(option);
    }
    if (!hierarchy.controllers.empty()) hierarchies.push_back(std::move(hierarchy));
  }
  return hierarchies;
}

Result<> PlanCgroupMounts(const ContainerSpec& spec, const MountSpec& mount, InitPlan& plan) {
  constexpr const char* kMounts = "/proc/self/mountinfo";
  if (!spec.cgroup_v2.empty() || spec.cgroup_procs.empty()) {
    plan.mounts.push_back({.target = mount.target,
                           .file_system = "cgroup2",
                           .attributes = mount.attributes | kQuiet});
    return {};
  }
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile(kMounts));
  plan.mounts.push_back(FolderPlan(mount));
  for (const Hierarchy& hierarchy : ParseHierarchies(mountinfo)) {
    if (HasGroupIn(spec, hierarchy)) plan.mounts.push_back(HierarchyPlan(mount, hierarchy));
  }
  // The folder itself becomes read-only once the hierarchies are in it.
  if ((mount.attributes & MOUNT_ATTR_RDONLY) != 0) plan.readonly_paths.push_back(mount.target);
  return {};
}

}  // namespace trivet::shim
