#include "shim/init_plan.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "shim/cgroup_mounts.h"
#include "shim/packet.h"

namespace trivet::shim {
namespace {

struct Kind {
  const char* file_system;
  const char* options;  // when the spec says none
  uint64_t attributes;  // always
};

// Source: OCI runtime specification, config-linux.md, default file systems.
Result<Kind> KindOf(MountKind kind) {
  switch (kind) {
    case MountKind::kProc:
      return Kind{"proc", "", kQuiet};
    case MountKind::kSysfs:
      return Kind{"sysfs", "", kQuiet};
    case MountKind::kTmpfs:
      return Kind{"tmpfs", "mode=1777", 0};
    case MountKind::kMqueue:
      return Kind{"mqueue", "", kQuiet};
    case MountKind::kDevpts:
      return Kind{"devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
                  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    case MountKind::kDev:
      return Kind{"tmpfs", "mode=755,size=65536k", MOUNT_ATTR_NOSUID};
    case MountKind::kDetached:
    case MountKind::kCgroup:
      break;
  }
  return Fail(Code::kInvalidArgument, "kind {} is unknown", static_cast<int>(kind));
}

Result<> CheckPath(const std::string& path, std::string_view field) {
  if (path.starts_with('/') && path.find('\0') == std::string::npos) return {};
  return Fail(Code::kInvalidArgument, "{}: \"{}\" is not an absolute path", field, path);
}

Result<> CheckPaths(const std::vector<std::string>& paths, std::string_view field) {
  for (const std::string& path : paths) RETURN_IF_ERROR(CheckPath(path, field));
  return {};
}

// /proc, /sys and cgroups are the kernel's, and labelled by the policy. Message queues are one file
// system per IPC namespace, mounted already: it takes no option any more, and the node's is not
// ours.
void PlanLabel(MountKind kind, const std::string& label, const PlanContext& context,
               MountPlan& plan) {
  if (label.empty()) return;
  if (kind == MountKind::kTmpfs || kind == MountKind::kDev || kind == MountKind::kDevpts) {
    plan.options.emplace_back("context", label);
  }
  if (kind == MountKind::kMqueue && context.own_ipc) plan.root_label = label;
}

Result<MountPlan> PlanTree(const MountSpec& spec, std::vector<UniqueFd>& fds) {
  ASSIGN_OR_RETURN(UniqueFd tree, TakeFd(fds, spec.fd_index, "fd_index"));
  return MountPlan{.target = spec.target,
                   .tree = std::move(tree),
                   .is_directory = spec.is_directory,
                   .follows_link = true};
}

Result<> PlanMounts(const ContainerSpec& spec, std::vector<UniqueFd>& fds,
                    const PlanContext& context, InitPlan& plan) {
  for (const MountSpec& mount : spec.mounts) {
    RETURN_IF_ERROR(CheckPath(mount.target, "target"));
    if (mount.kind == MountKind::kCgroup) {
      RETURN_IF_ERROR(PlanCgroupMounts(spec, mount, plan), mount.target);
      continue;
    }
    ASSIGN_OR_RETURN(
        MountPlan planned,
        mount.kind == MountKind::kDetached ? PlanTree(mount, fds) : PlanFileSystem(mount),
        mount.target);
    PlanLabel(mount.kind, spec.selinux_file_label, context, planned);
    plan.mounts.push_back(std::move(planned));
  }
  return {};
}

Result<> PlanDevices(const ContainerSpec& spec, InitPlan& plan) {
  constexpr std::string_view kDev = "/dev/";
  constexpr uint32_t kPermissions = 07777;
  for (const DeviceSpec& device : spec.devices) {
    RETURN_IF_ERROR(CheckPath(device.path, "devices"));
    if (!device.path.starts_with(kDev) || device.path.find("..") != std::string::npos) {
      return Fail(Code::kInvalidArgument, "devices: {} is not below /dev", device.path);
    }
    plan.devices.push_back({.path = device.path.substr(kDev.size()),
                            .mode = (device.mode & kPermissions) |
                                    static_cast<mode_t>(device.block ? S_IFBLK : S_IFCHR),
                            .device = makedev(device.major, device.minor),
                            .uid = device.uid,
                            .gid = device.gid});
  }
  return {};
}

}  // namespace

Result<MountPlan> PlanFileSystem(const MountSpec& spec) {
  ASSIGN_OR_RETURN(const Kind kind, KindOf(spec.kind));
  MountPlan plan{.target = spec.target,
                 .file_system = kind.file_system,
                 .options = ParseMountOptions(spec.options.empty() ? kind.options : spec.options),
                 .attributes = spec.attributes | kind.attributes,
                 .is_dev = spec.kind == MountKind::kDev,
                 .follows_link = spec.kind == MountKind::kTmpfs};
  return plan;
}

Result<InitPlan> MakeInitPlan(const ContainerSpec& spec, std::vector<UniqueFd>& fds,
                              const PlanContext& context) {
  InitPlan plan;
  ASSIGN_OR_RETURN(plan.process,
                   MakeProcessPlan(spec.process, Purpose::kContainerStart, context.own_caps),
                   "process");
  ASSIGN_OR_RETURN(plan.root, TakeFd(fds, spec.root_fd_index, "root_fd_index"));
  for (const int32_t index : spec.first_namespace_fds) {
    ASSIGN_OR_RETURN(UniqueFd fd, TakeFd(fds, index, "first_namespace_fds"));
    plan.first_namespaces.push_back(std::move(fd));
  }
  RETURN_IF_ERROR(PlanMounts(spec, fds, context, plan), "mounts");
  RETURN_IF_ERROR(PlanDevices(spec, plan));
  RETURN_IF_ERROR(CheckPaths(spec.masked_paths, "masked_paths"));
  RETURN_IF_ERROR(CheckPaths(spec.readonly_paths, "readonly_paths"));
  plan.attach_point = context.attach_point;
  plan.masked_paths = spec.masked_paths;
  plan.readonly_paths.insert(plan.readonly_paths.end(), spec.readonly_paths.begin(),
                             spec.readonly_paths.end());
  plan.file_label = spec.selinux_file_label;
  plan.readonly_root = spec.readonly_root;
  plan.node_cgroups = spec.node_cgroups;
  return plan;
}

}  // namespace trivet::shim
