#include "shim/cgroup_mounts.h"

#include <sys/mount.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"

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

// The folder of the container's group, or nothing.
std::filesystem::path GroupIn(const Hierarchy& hierarchy, const ContainerSpec& spec) {
  const auto file = std::ranges::find_if(spec.cgroup_procs, [&](const std::string& procs) {
    return procs.starts_with(hierarchy.mount_point + '/');
  });
  if (file == spec.cgroup_procs.end()) return {};
  return std::filesystem::path(*file).parent_path();
}

Result<std::filesystem::path> MountPointOf(std::filesystem::path folder) {
  while (folder.has_relative_path()) {
    ASSIGN_OR_RETURN(const bool found, IsMountPoint(folder));
    if (found) break;
    folder = folder.parent_path();
  }
  return folder;
}

// What the node has at `folder`. Not a new mount: one of cgroup2 that is made in the node's cgroup
// namespace takes nsdelegate and memory_recursiveprot from the node's, which is the same file
// system. Source: apply_cgroup_root_flags in kernel/cgroup/cgroup.c.
Result<MountPlan> NodePlan(const std::string& target, const std::filesystem::path& folder,
                           uint64_t attributes) {
  ASSIGN_OR_RETURN(DetachedMount tree, DetachedMount::Bind(folder), folder.native());
  RETURN_IF_ERROR(tree.SetAttributes(attributes | kQuiet), folder.native());
  RETURN_IF_ERROR(tree.SetPropagation(MS_PRIVATE), folder.native());
  return MountPlan{.target = target, .tree = std::move(tree).TakeFd()};
}

MountPlan FolderPlan(const MountSpec& mount) {
  return {.target = mount.target,
          .file_system = "tmpfs",
          .options = {{"mode", "755"}, {"size", "64k"}},
          .attributes = kQuiet};
}

Result<MountPlan> HierarchyPlan(const MountSpec& mount, const Hierarchy& hierarchy,
                                const std::filesystem::path& node_group) {
  MountPlan plan{.target = mount.target + '/' + Joined(hierarchy.controllers),
                 .file_system = "cgroup",
                 .attributes = mount.attributes | kQuiet};
  if (!node_group.empty()) return NodePlan(plan.target, node_group, mount.attributes);
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
  if (spec.node_cgroups && !spec.cgroup_v2.empty()) {
    ASSIGN_OR_RETURN(const std::filesystem::path folder, MountPointOf(spec.cgroup_v2));
    ASSIGN_OR_RETURN(MountPlan planned, NodePlan(mount.target, folder, mount.attributes));
    plan.mounts.push_back(std::move(planned));
    return {};
  }
  if (!spec.cgroup_v2.empty() || spec.cgroup_procs.empty()) {
    plan.mounts.push_back({.target = mount.target,
                           .file_system = "cgroup2",
                           .attributes = mount.attributes | kQuiet});
    return {};
  }
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile(kMounts));
  plan.mounts.push_back(FolderPlan(mount));
  for (const Hierarchy& hierarchy : ParseHierarchies(mountinfo)) {
    const std::filesystem::path group = GroupIn(hierarchy, spec);
    if (group.empty()) continue;
    ASSIGN_OR_RETURN(MountPlan planned,
                     HierarchyPlan(mount, hierarchy, spec.node_cgroups ? group : ""));
    plan.mounts.push_back(std::move(planned));
  }
  // The folder itself becomes read-only once the hierarchies are in it.
  if ((mount.attributes & MOUNT_ATTR_RDONLY) != 0) plan.readonly_paths.push_back(mount.target);
  return {};
}

}  // namespace trivet::shim
