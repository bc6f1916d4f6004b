#include "common/linux/bare_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace trivet {
namespace {

// In a thread of its own, for which nothing of the node is there afterwards.
Result<UniqueFd> Make(const std::filesystem::path& attach_point) {
  if (::unshare(CLONE_NEWNS) != 0) return FailErrno("unshare mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return FailErrno("make all mounts private");
  }
  UniqueFd made(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!made.valid()) return FailErrno("open the mount namespace");
  ASSIGN_OR_RETURN(DetachedMount root, EmptyRoot());
  const UniqueFd folder(::fcntl(root.fd(), F_DUPFD_CLOEXEC, 0));
  RETURN_IF_ERROR(std::move(root).AttachTo(attach_point), attach_point.native());
  const bool is_root = ::fchdir(folder.get()) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0 &&
                       ::umount2(".", MNT_DETACH) == 0;
  if (!is_root) return FailErrno("pivot_root to an empty file system");
  return made;
}

}  // namespace

// The one inode is the folder: nobody makes another, should the mount become writable.
Result<DetachedMount> EmptyRoot() {
  constexpr uint64_t kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return DetachedMount::Tmpfs({{"size", "4k"}, {"nr_inodes", "1"}, {"mode", "555"}}, kAttributes);
}

Result<UniqueFd> MakeBareMounts(const std::filesystem::path& attach_point) {
  Result<UniqueFd> made = Fail(Code::kInternal, "not made");
  std::thread([&] { made = Make(attach_point); }).join();
  return made;
}

}  // namespace trivet
