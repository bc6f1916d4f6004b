#include "shim/cgroup_mounts.h"

#include <sys/mount.h>

#include <filesystem>

#include "common/linux/mount.h"
#include "shim/hierarchies.h"

namespace trivet::shim {
namespace {

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
  RETURN_IF_ERROR(tree.SetAttributes(attributes | kQuiet, MS_PRIVATE, Recursion::kThisMount),
                  folder.native());
  return MountPlan{.target = target, .tree = std::move(tree).TakeFd()};
}

MountPlan FolderPlan(const MountSpec& mount) {
  return {.target = mount.target,
          .file_system = "tmpfs",
          .options = {{"mode", "755"}, {"size", "64k"}},
          .attributes = kQuiet};
}

Result<> PlanHierarchies(const ContainerSpec& spec, const MountSpec& mount, InitPlan& plan) {
  ASSIGN_OR_RETURN(const Hierarchies hierarchies, HierarchiesOf(spec.cgroup_procs));
  plan.mounts.push_back(FolderPlan(mount));
  for (const std::string& controller : hierarchies.controllers) {
    ASSIGN_OR_RETURN(MountPlan planned,
                     NodePlan(mount.target + '/' + controller, hierarchies.FolderIn(controller),
                              mount.attributes));
    plan.mounts.push_back(std::move(planned));
  }
  // The folder itself becomes read-only once the hierarchies are in it.
  if ((mount.attributes & MOUNT_ATTR_RDONLY) != 0) plan.readonly_paths.push_back(mount.target);
  return {};
}

}  // namespace

Result<> PlanCgroupMounts(const ContainerSpec& spec, const MountSpec& mount, InitPlan& plan) {
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
  return PlanHierarchies(spec, mount, plan);
}

}  // namespace trivet::shim
