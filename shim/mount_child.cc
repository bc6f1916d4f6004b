#include "shim/mount_child.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <utility>

#include "common/linux/path_in_root.h"
#include "shim/dev_child.h"

namespace trivet::shim {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;

// What is there and no link: what most targets are. Else -1.
int OpenPlainTarget(int root_fd, const MountPlan& mount, const Reporter& report) {
  const char* path = mount.target.c_str();
  const int fd = async_signal_safe::OpenInRoot(root_fd, path, O_PATH | O_NOFOLLOW, 0);
  if (fd < 0) return -1;
  struct stat status{};
  report.Check(::fstat(fd, &status) == 0, Step::kMount, path);
  const bool link = S_ISLNK(status.st_mode);
  if (link && !mount.follows_link) {
    errno = ELOOP;  // CVE-2026-41579: an image whose /dev or /proc leads elsewhere
    report.Fail(Step::kMount, path);
  }
  if (!link && S_ISDIR(status.st_mode) == mount.is_directory) return fd;
  ::close(fd);
  return -1;
}

int OpenTarget(int root_fd, const MountPlan& mount, const Reporter& report) {
  const char* path = mount.target.c_str();
  int fd = OpenPlainTarget(root_fd, mount, report);
  if (fd >= 0) return fd;
  fd = mount.is_directory ? async_signal_safe::EnsureDirectoryInRoot(root_fd, path, kFolderMode)
                          : async_signal_safe::EnsureFileInRoot(root_fd, path, kFileMode);
  report.Check(fd >= 0, Step::kMount, path);
  return fd;
}

int MakeDev(const InitPlan& plan, const MountPlan& mount, const Reporter& report) {
  const int tree_fd = NewFileSystem(mount, report);
  MakeDeviceNodes(tree_fd, plan.devices, report);
  return tree_fd;
}

// Where an early tree of the mount's kind is kept, or nothing.
int* SlotOf(const MountPlan& mount, EarlyTrees& trees) {
  if (mount.is_dev) return &trees.dev_fd;
  if (mount.file_system == "proc") return &trees.proc_fd;
  if (mount.file_system == "sysfs") return &trees.sysfs_fd;
  return nullptr;
}

int TreeOf(const InitPlan& plan, const MountPlan& mount, EarlyTrees& trees,
           const Reporter& report) {
  if (mount.tree.valid()) return mount.tree.get();
  if (int* slot = SlotOf(mount, trees); slot != nullptr && *slot >= 0) {
    return std::exchange(*slot, -1);
  }
  return mount.is_dev ? MakeDev(plan, mount, report) : NewFileSystem(mount, report);
}

// Into a mount of ours, where no link can be in the way and the target is new.
bool AttachInOwn(int tree_fd, const MountPlan& mount, const OwnMounts& own,
                 const Reporter& report) {
  const auto [folder_fd, name] = own.Find(mount.target.c_str());
  if (folder_fd < 0) return false;
  const int made = mount.is_directory ? ::mkdirat(folder_fd, name, kFolderMode)
                                      : ::mknodat(folder_fd, name, S_IFREG | kFileMode, 0);
  if (made != 0) return false;  // what is there already is opened by its path
  const bool moved = ::move_mount(tree_fd, "", folder_fd, name, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  report.Check(moved, Step::kMount, mount.target.c_str());
  return true;
}

void AttachByPath(int tree_fd, const MountPlan& mount, const InitPlan& plan,
                  const Reporter& report) {
  const int target_fd = OpenTarget(plan.root.get(), mount, report);
  report.Check(MoveTree(tree_fd, target_fd), Step::kMount, mount.target.c_str());
  ::close(target_fd);
}

void MakeMount(const InitPlan& plan, const MountPlan& mount, EarlyTrees& trees, OwnMounts& own,
               const Reporter& report) {
  const int tree_fd = TreeOf(plan, mount, trees, report);
  if (AttachInOwn(tree_fd, mount, own, report)) return;
  AttachByPath(tree_fd, mount, plan, report);
  own.Note(mount, tree_fd);
  if (mount.is_dev && (mount.attributes & MOUNT_ATTR_NODEV) != 0) {
    ConfineDevices(tree_fd, plan.devices, report);
  }
}

bool SetAttributes(int fd, uint64_t attributes, unsigned flags) {
  mount_attr attr{.attr_set = attributes};
  return ::mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof attr) == 0;
}

// The masks' sources, each attached once and cloned from there for every further path.
struct Masks {
  int folder_fd = -1;
  int file_fd = -1;
  bool file_attached = false;
};

int Clone(int tree_fd) {
  return ::open_tree(tree_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

int FolderMask(const InitPlan& plan, Masks& masks, const Reporter& report) {
  if (masks.folder_fd >= 0) return Clone(masks.folder_fd);
  const int context = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
  const char* label = plan.file_label.c_str();
  const bool made = context >= 0 &&
                    ::fsconfig(context, FSCONFIG_SET_STRING, "size", "4k", 0) == 0 &&
                    (plan.file_label.empty() ||
                     ::fsconfig(context, FSCONFIG_SET_STRING, "context", label, 0) == 0) &&
                    ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  constexpr unsigned kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  masks.folder_fd = made ? ::fsmount(context, FSMOUNT_CLOEXEC, kAttributes) : -1;
  report.Check(masks.folder_fd >= 0, Step::kMask, "tmpfs");
  return masks.folder_fd;
}

int FileMask(const InitPlan& plan, Masks& masks) {
  if (masks.file_attached) return Clone(masks.file_fd);
  masks.file_attached = true;
  masks.file_fd = plan.null_tree.get();
  return masks.file_fd;
}

// Absent, or below a file: nothing to protect.
bool IsAbsent() {
  return errno == ENOENT || errno == ENOTDIR;
}

void Mask(const InitPlan& plan, const char* path, Masks& masks, const Reporter& report) {
  const int target_fd = async_signal_safe::OpenInRoot(plan.root.get(), path, O_PATH, 0);
  if (target_fd < 0 && IsAbsent()) return;
  struct stat status{};
  report.Check(target_fd >= 0 && ::fstat(target_fd, &status) == 0, Step::kMask, path);
  const int tree_fd =
      S_ISDIR(status.st_mode) ? FolderMask(plan, masks, report) : FileMask(plan, masks);
  report.Check(tree_fd >= 0 && MoveTree(tree_fd, target_fd), Step::kMask, path);
  ::close(target_fd);
}

void MakeReadonly(const InitPlan& plan, const char* path, const OwnMounts& own,
                  const Reporter& report) {
  if (const int own_fd = own.RootAt(path); own_fd >= 0) {
    return report.Check(SetAttributes(own_fd, MOUNT_ATTR_RDONLY, AT_RECURSIVE), Step::kReadonlyPath,
                        path);
  }
  const int target_fd = async_signal_safe::OpenInRoot(plan.root.get(), path, O_PATH, 0);
  if (target_fd < 0 && IsAbsent()) return;
  report.Check(target_fd >= 0, Step::kReadonlyPath, path);
  constexpr unsigned kFlags =
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | static_cast<unsigned>(AT_RECURSIVE);
  const int tree_fd = ::open_tree(target_fd, "", kFlags);
  report.Check(tree_fd >= 0 && SetAttributes(tree_fd, MOUNT_ATTR_RDONLY, AT_RECURSIVE) &&
                   MoveTree(tree_fd, target_fd),
               Step::kReadonlyPath, path);
  ::close(tree_fd);
  ::close(target_fd);
}

// Where it cannot be set the policy's label stays, by which a container may do less.
void SetRootLabel(int tree_fd, const std::string& label) {
  if (label.empty()) return;
  const int fd = ::openat(tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  if (::fsetxattr(fd, "security.selinux", label.data(), label.size(), 0) != 0) errno = 0;
  ::close(fd);
}

}  // namespace

int NewFileSystem(const MountPlan& mount, const Reporter& report) {
  const char* target = mount.target.c_str();
  const int context = ::fsopen(mount.file_system.c_str(), FSOPEN_CLOEXEC);
  report.Check(context >= 0, Step::kMount, target);
  ::fsconfig(context, FSCONFIG_SET_STRING, "source", mount.file_system.c_str(), 0);
  for (const auto& [key, value] : mount.options) {
    const bool set =
        value.empty()
            ? ::fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == 0
            : ::fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) == 0;
    report.Check(set, Step::kMount, target);
  }
  report.Check(::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0, Step::kMount,
               target);
  // /dev gets nodev once its nodes are mounts of their own.
  const uint64_t attributes =
      mount.is_dev ? mount.attributes & ~uint64_t{MOUNT_ATTR_NODEV} : mount.attributes;
  const int tree_fd = ::fsmount(context, FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  report.Check(tree_fd >= 0, Step::kMount, target);
  ::close(context);
  SetRootLabel(tree_fd, mount.root_label);
  return tree_fd;
}

bool MoveTree(int tree_fd, int target_fd) {
  return ::move_mount(tree_fd, "", target_fd, "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
}

// Nothing that is mounted here may show on the node, and nothing of the node may come in later but
// by a mount that asked for it.
void AttachRoot(int root_fd, const char* attach_point, const Reporter& report) {
  report.Check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
               Step::kMountNamespace);
  report.Check(::move_mount(root_fd, "", AT_FDCWD, attach_point, MOVE_MOUNT_F_EMPTY_PATH) == 0,
               Step::kAttachRoot, attach_point);
}

void PivotIntoRoot(int root_fd, const Reporter& report) {
  report.Check(::fchdir(root_fd) == 0, Step::kPivotRoot);
  report.Check(::syscall(SYS_pivot_root, ".", ".") == 0, Step::kPivotRoot);
  report.Check(::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0, Step::kPivotRoot);
}

void CoverRoot(int root_fd, const Reporter& report) {
  report.Check(::move_mount(root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0,
               Step::kAttachRoot, "/");
  report.Check(::fchdir(root_fd) == 0 && ::chroot(".") == 0, Step::kAttachRoot, "/");
}

void EnterRoot(int root_fd, const char* attach_point, const Reporter& report) {
  AttachRoot(root_fd, attach_point, report);
  PivotIntoRoot(root_fd, report);
}

void MakeDevEarly(const InitPlan& plan, EarlyTrees& trees, const Reporter& report) {
  for (const MountPlan& mount : plan.mounts) {
    if (mount.is_dev && trees.dev_fd < 0) trees.dev_fd = MakeDev(plan, mount, report);
    // Its root belongs to nobody of the user namespace. The mount of later is the same file system.
    if (!mount.root_label.empty()) ::close(NewFileSystem(mount, report));
  }
}

void MakeProcAndSysfsEarly(const InitPlan& plan, EarlyTrees& trees, const Reporter& report) {
  for (const MountPlan& mount : plan.mounts) {
    int* slot = mount.tree.valid() || mount.is_dev ? nullptr : SlotOf(mount, trees);
    if (slot != nullptr && *slot < 0) *slot = NewFileSystem(mount, report);
  }
}

void MakeMounts(const InitPlan& plan, EarlyTrees& trees, OwnMounts& own, const Reporter& report) {
  for (const MountPlan& mount : plan.mounts) MakeMount(plan, mount, trees, own, report);
}

void RestrictPaths(const InitPlan& plan, const OwnMounts& own, const Reporter& report) {
  for (const std::string& path : plan.readonly_paths) MakeReadonly(plan, path.c_str(), own, report);
  Masks masks;
  for (const std::string& path : plan.masked_paths) Mask(plan, path.c_str(), masks, report);
  if (plan.readonly_root) {
    report.Check(SetAttributes(plan.root.get(), MOUNT_ATTR_RDONLY, 0), Step::kReadonlyRoot);
  }
}

}  // namespace trivet::shim
