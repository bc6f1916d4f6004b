#include "cri-runtime/container/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "cri-runtime/container/image_volume.h"
#include "cri-runtime/container/propagation.h"
#include "cri-runtime/selinux/relabel.h"

namespace trivet::container {
namespace {

constexpr uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().native();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

bool RequestMountsAt(const Config& config, const std::string& target) {
  return std::ranges::any_of(
      config.mounts, [&](const Mount& mount) { return Normal(mount.container_path) == target; });
}

uint64_t AttributesOf(const Mount& mount) {
  uint64_t attributes = mount.readonly ? MOUNT_ATTR_RDONLY : 0;
  for (const std::string& option : mount.options) {
    if (option == "noexec") attributes |= MOUNT_ATTR_NOEXEC;
    if (option == "nodev") attributes |= MOUNT_ATTR_NODEV;
    if (option == "nosuid") attributes |= MOUNT_ATTR_NOSUID;
  }
  return attributes;
}

uint64_t PropagationOf(const Mount& mount) {
  switch (mount.propagation) {
    case Propagation::kPrivate:
      return MS_PRIVATE;
    case Propagation::kHostToContainer:
      return MS_SLAVE;
    case Propagation::kBidirectional:
      return MS_SHARED;
  }
  return MS_PRIVATE;
}

// What is asked of the source itself needs it open before it is cloned.
Result<DetachedMount> CloneOpened(const Mount& mount, bool relabels, const PodMounts& pod) {
  const UniqueFd source(::open(mount.host_path.c_str(), O_PATH | O_CLOEXEC));
  if (!source.valid()) return FailErrno("open {}", mount.host_path);
  RETURN_IF_ERROR(CheckPropagation(source.get(), mount.host_path, mount.propagation));
  if (relabels) {
    RETURN_IF_ERROR(selinux::CheckRelabel(mount.host_path), "selinux_relabel");
    RETURN_IF_ERROR(selinux::Relabel(source.get(), pod.file_label), "selinux_relabel");
  }
  return DetachedMount::Bind(source.get(), Recursion::kWholeTree);
}

Result<DetachedMount> Clone(const Mount& mount, const PodMounts& pod) {
  const bool relabels = mount.relabel && !pod.file_label.empty();
  if (relabels || mount.propagation != Propagation::kPrivate) {
    return CloneOpened(mount, relabels, pod);
  }
  return DetachedMount::Bind(mount.host_path, Recursion::kWholeTree);
}

Result<bool> IsDirectory(const DetachedMount& tree) {
  struct stat status{};
  if (::fstat(tree.fd(), &status) != 0) return FailErrno("stat the root of a mount");
  return S_ISDIR(status.st_mode);
}

// `pod` for what the request asks of a volume: a relabel, idmapped owners.
Result<shim::MountSpec> Bind(const Mount& mount, bool devices, const PodMounts& pod, FdTable& fds) {
  ASSIGN_OR_RETURN(DetachedMount tree, Clone(mount, pod), "host_path");
  ASSIGN_OR_RETURN(const bool is_directory, IsDirectory(tree), mount.host_path);
  // Mounts below it stay as they are: one without idmapped mounts would refuse the whole tree.
  if (mount.id_mapping) RETURN_IF_ERROR(tree.SetIdMapping(pod.user_namespace_fd), mount.host_path);
  RETURN_IF_ERROR(tree.SetAttributes(devices ? 0 : MOUNT_ATTR_NODEV, PropagationOf(mount),
                                     Recursion::kWholeTree),
                  mount.host_path);
  const Recursion depth = mount.recursive_read_only ? Recursion::kWholeTree : Recursion::kThisMount;
  if (const uint64_t attributes = AttributesOf(mount); attributes != 0) {
    RETURN_IF_ERROR(tree.SetAttributes(attributes, depth), mount.host_path);
  }
  return shim::MountSpec{.kind = shim::MountKind::kDetached,
                         .target = Normal(mount.container_path),
                         .fd_index = fds.Add(std::move(tree).TakeFd()),
                         .is_directory = is_directory};
}

// The kubelet looks at a hostPath only where it has a type; other runtimes make the folder, too. A
// CDI file's mounts are parts of a driver: a folder in place of one would hide that it is missing.
Result<shim::MountSpec> BindVolume(const Mount& mount, bool devices, const PodMounts& pod,
                                   FdTable& fds) {
  constexpr mode_t kMode = 0755;
  auto bound = Bind(mount, devices, pod, fds);
  if (bound || mount.injected || bound.error().sys_errno() != ENOENT) return bound;
  RETURN_IF_ERROR(EnsureDirectory(mount.host_path, kMode), "host_path " + mount.host_path);
  return Bind(mount, devices, pod, fds);
}

// "ImageVolumeMountFailed" is the word by which the kubelet knows the reason.
Result<shim::MountSpec> BindImage(const Mount& mount, const image::Image& image,
                                  const PodMounts& pod, FdTable& fds) {
  constexpr const char* kReason = "ImageVolumeMountFailed";
  ASSIGN_OR_RETURN(
      ImageTree mounted,
      MountImage(image, mount.image_sub_path, pod.scratch, pod.user_namespace_fd, pod.file_label),
      kReason);
  RETURN_IF_ERROR(mounted.tree.SetAttributes(AttributesOf(mount) | MOUNT_ATTR_NODEV), kReason);
  return shim::MountSpec{.kind = shim::MountKind::kDetached,
                         .target = Normal(mount.container_path),
                         .fd_index = fds.Add(std::move(mounted.tree).TakeFd()),
                         .is_directory = mounted.is_directory};
}

// The pod's own files and /dev/shm, as mounts a request could have named.
std::vector<Mount> PodBinds(const Config& config, const PodMounts& pod) {
  std::vector<Mount> binds{{.container_path = "/dev/shm", .host_path = pod.shm.native()}};
  for (const char* name : {"resolv.conf", "hosts", "hostname"}) {
    binds.push_back({.container_path = std::string("/etc/") + name,
                     .host_path = (pod.files / name).native(),
                     .readonly = config.security.readonly_rootfs});
  }
  std::erase_if(binds,
                [&](const Mount& bind) { return RequestMountsAt(config, bind.container_path); });
  return binds;
}

}  // namespace

std::vector<shim::MountSpec> StandardMounts(const Security& security) {
  using shim::MountKind;
  const uint64_t system = security.privileged ? kQuiet : kQuiet | MOUNT_ATTR_RDONLY;
  // Without NODEV every node in /dev can be opened, also those that the container makes.
  const uint64_t devices =
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | (security.privileged ? 0 : MOUNT_ATTR_NODEV);
  return {
      {.kind = MountKind::kProc, .target = "/proc", .attributes = kQuiet},
      {.kind = MountKind::kDev, .target = "/dev", .attributes = devices},
      {.kind = MountKind::kDevpts,
       .target = "/dev/pts",
       .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC},
      {.kind = MountKind::kMqueue, .target = "/dev/mqueue", .attributes = kQuiet},
      {.kind = MountKind::kSysfs, .target = "/sys", .attributes = system},
      {.kind = MountKind::kCgroup, .target = "/sys/fs/cgroup", .attributes = system},
  };
}

Result<std::vector<shim::MountSpec>> PrepareMounts(const Config& config, const PodMounts& pod,
                                                   FdTable& fds) {
  const bool privileged = config.security.privileged;
  std::vector<shim::MountSpec> mounts = StandardMounts(config.security);
  std::erase_if(
      mounts, [&](const shim::MountSpec& mount) { return RequestMountsAt(config, mount.target); });
  for (const Mount& bind : PodBinds(config, pod)) {
    ASSIGN_OR_RETURN(shim::MountSpec mount, Bind(bind, privileged, pod, fds), bind.container_path);
    mounts.push_back(std::move(mount));
  }
  auto volume_image = pod.volume_images.begin();
  for (const Mount& wanted : config.mounts) {
    ASSIGN_OR_RETURN(shim::MountSpec mount,
                     wanted.image.empty() ? BindVolume(wanted, privileged, pod, fds)
                                          : BindImage(wanted, *volume_image++, pod, fds),
                     fmt::format("mount {}", wanted.container_path));
    mounts.push_back(std::move(mount));
  }
  // What is deeper comes later; otherwise the order given is kept.
  std::ranges::stable_sort(mounts, {}, [](const shim::MountSpec& mount) {
    return std::ranges::count(mount.target, '/') - (mount.target == "/" ? 1 : 0);
  });
  return mounts;
}

}  // namespace trivet::container
