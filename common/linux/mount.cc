#include "common/linux/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/linux/mount_context.h"

namespace trivet {
namespace {

Result<> SetTree(int fd, const mount_attr& attributes, Recursion recursion, std::string_view what) {
  const unsigned flags = AT_EMPTY_PATH | (recursion == Recursion::kWholeTree ? AT_RECURSIVE : 0U);
  mount_attr copy = attributes;
  if (::mount_setattr(fd, "", flags, &copy, sizeof copy) == 0) return {};
  return FailErrno("set {} of a mount", what);
}

unsigned OpenTreeFlags(Recursion recursion) {
  return OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
         (recursion == Recursion::kWholeTree ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
}

}  // namespace

MountOptions ParseMountOptions(std::string_view text) {
  MountOptions options;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view option = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (option.empty()) continue;
    const size_t equals = option.find('=');
    options.emplace_back(option.substr(0, equals),
                         equals == std::string_view::npos ? "" : option.substr(equals + 1));
  }
  return options;
}

Result<DetachedMount> DetachedMount::Bind(const std::filesystem::path& path, Recursion recursion) {
  // As by a descriptor: nothing is mounted by that.
  const unsigned flags = OpenTreeFlags(recursion) | AT_NO_AUTOMOUNT;
  UniqueFd tree(::open_tree(AT_FDCWD, path.c_str(), flags));
  if (!tree.valid()) return FailErrno("open_tree {}", path.native());
  return DetachedMount(std::move(tree));
}

Result<DetachedMount> DetachedMount::Bind(int path_fd, Recursion recursion) {
  UniqueFd tree(::open_tree(path_fd, "", OpenTreeFlags(recursion) | AT_EMPTY_PATH));
  if (!tree.valid()) return FailErrno("open_tree of a descriptor");
  return DetachedMount(std::move(tree));
}

Result<DetachedMount> DetachedMount::Tmpfs(const MountOptions& options, uint64_t attributes) {
  return New("tmpfs", options, attributes);
}

Result<DetachedMount> DetachedMount::FileSystem(const std::string& type,
                                                const std::filesystem::path& device,
                                                const MountOptions& options, uint64_t attributes) {
  ASSIGN_OR_RETURN(MountContext context, MountContext::Open(type));
  RETURN_IF_ERROR(context.Set("source", device.native()));
  RETURN_IF_ERROR(context.Set(options));
  ASSIGN_OR_RETURN(UniqueFd mount, context.Mount(attributes), device.native());
  return DetachedMount(std::move(mount));
}

Result<DetachedMount> DetachedMount::New(const std::string& type, const MountOptions& options,
                                         uint64_t attributes) {
  return FileSystem(type, type, options, attributes);
}

Result<> DetachedMount::SetAttributes(uint64_t attributes, Recursion recursion) {
  return SetTree(fd_.get(), {.attr_set = attributes}, recursion, "attributes");
}

Result<> DetachedMount::SetAttributes(uint64_t attributes, uint64_t propagation,
                                      Recursion recursion) {
  return SetTree(fd_.get(), {.attr_set = attributes, .propagation = propagation}, recursion,
                 "attributes and propagation");
}

Result<> DetachedMount::SetPropagation(uint64_t propagation, Recursion recursion) {
  return SetTree(fd_.get(), {.propagation = propagation}, recursion, "propagation");
}

Result<> DetachedMount::SetIdMapping(int user_namespace_fd) {
  mount_attr attributes{.attr_set = MOUNT_ATTR_IDMAP,
                        .userns_fd = static_cast<uint64_t>(user_namespace_fd)};
  if (::mount_setattr(fd_.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return {};
  if (errno != EINVAL) return FailErrno("map the owners of a mount");
  return Fail(Code::kInvalidArgument,
              "the file system has no idmapped mounts, which a user namespace needs");
}

Result<> DetachedMount::AttachTo(const std::filesystem::path& target) && {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
  if (::move_mount(fd_.get(), "", AT_FDCWD, target.c_str(), flags) != 0) {
    return FailErrno("attach mount to {}", target.native());
  }
  fd_.reset();
  return {};
}

Result<> DetachedMount::AttachTo(int target_fd) && {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(fd_.get(), "", target_fd, "", flags) != 0) {
    return FailErrno("attach mount to a descriptor");
  }
  fd_.reset();
  return {};
}

Result<> Unmount(const std::filesystem::path& path, bool detached) {
  const int flags = UMOUNT_NOFOLLOW | (detached ? MNT_DETACH : 0);
  if (::umount2(path.c_str(), flags) == 0) return {};
  if (errno == EINVAL || errno == ENOENT) return {};  // no mount point; nothing at all
  return FailErrno("unmount {}", path.native());
}

Result<bool> IsMountPoint(const std::filesystem::path& path) {
  struct statx status{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) != 0) {
    return FailErrno("stat {}", path.native());
  }
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace trivet
