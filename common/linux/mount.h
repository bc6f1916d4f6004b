#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// An overlay's folders; `lower` from the top layer down.
struct OverlaySpec {
  std::vector<std::filesystem::path> lower;
  std::filesystem::path upper;     // empty: a read-only overlay of the lower ones, of which Linux
                                   // before 6.5 wants two
  std::filesystem::path work;      // on upper's file system, empty
  bool is_volatile = false;        // no sync at unmount: upper is void after a crash of the node
  int user_namespace_fd = -1;      // the lower folders' owners as this namespace maps them; -1: as
                                   // they are (Linux 5.19)
  std::string selinux_label;       // of all files; empty: as they are
  std::string source = "overlay";  // what findmnt shows
};

/// {"size", "64m"}; an empty value is a flag ("ro").
using MountOptions = std::vector<std::pair<std::string, std::string>>;

/// "size=64m,mode=1777,ro" as MountOptions.
MountOptions ParseMountOptions(std::string_view text);

enum class Recursion { kThisMount, kWholeTree };

/// A mount that is nowhere yet. Dropping it unmounts it; AttachTo gives it to the namespace.
///
/// Options are the file system's own; attributes are MOUNT_ATTR_RDONLY, …_NOSUID, …_NODEV,
/// …_NOEXEC (sys/mount.h). Errors carry the kernel's own words from the file system context.
/// Source: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
class DetachedMount {
 public:
  static Result<DetachedMount> Overlay(const OverlaySpec& spec);
  /// A copy of the mount that `path` (or the O_PATH descriptor) is on, beginning there.
  static Result<DetachedMount> Bind(const std::filesystem::path& path,
                                    Recursion recursion = Recursion::kThisMount);
  static Result<DetachedMount> Bind(int path_fd, Recursion recursion = Recursion::kThisMount);
  static Result<DetachedMount> Tmpfs(const MountOptions& options, uint64_t attributes = 0);
  /// A file system on a block device.
  static Result<DetachedMount> FileSystem(const std::string& type,
                                          const std::filesystem::path& device,
                                          const MountOptions& options, uint64_t attributes = 0);
  /// A file system without a device: proc, sysfs, mqueue, devpts, cgroup2. Those of a namespace
  /// show the namespace of the caller.
  static Result<DetachedMount> New(const std::string& type, const MountOptions& options = {},
                                   uint64_t attributes = 0);

  /// Adds attributes, e.g. MOUNT_ATTR_RDONLY with kWholeTree: read-only all the way down.
  Result<> SetAttributes(uint64_t attributes, Recursion recursion = Recursion::kThisMount);
  /// Both in one call: these attributes, and a propagation as below.
  Result<> SetAttributes(uint64_t attributes, uint64_t propagation, Recursion recursion);
  /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE.
  Result<> SetPropagation(uint64_t propagation, Recursion recursion = Recursion::kThisMount);

  /// Shows the owners of files as the user namespace maps them: what is user 0 on the disk is the
  /// namespace's user 0, and so is what user 0 of the namespace writes. Nothing on the disk
  /// changes. Only before it is attached. Errors: kInvalidArgument when the file system has no
  /// idmapped mounts. Source: mount_setattr(2), "ID-mapped mounts".
  Result<> SetIdMapping(int user_namespace_fd);

  /// Makes it visible at `target`, which is followed when it is a link.
  Result<> AttachTo(const std::filesystem::path& target) &&;
  /// On the very file or folder that the O_PATH descriptor names.
  Result<> AttachTo(int target_fd) &&;

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Gives the descriptor away, e.g. to another process.
  [[nodiscard]] UniqueFd TakeFd() && { return std::move(fd_); }

 private:
  explicit DetachedMount(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Unmounts what is at `path` (the path itself is not followed when it is a link); nothing there is
/// success. `detached`: also when it is in use (MNT_DETACH).
/// Errors: kAborted when busy.
Result<> Unmount(const std::filesystem::path& path, bool detached = false);

/// Whether `path` is where a mount begins. Errors: kNotFound.
Result<bool> IsMountPoint(const std::filesystem::path& path);

}  // namespace trivet
