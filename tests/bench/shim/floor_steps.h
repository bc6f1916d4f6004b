#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

/// Steps of a process that ends where one fails.
namespace trivet::bench::floor {

constexpr int kFailed = 1;

inline void Require(bool done) {
  if (!done) ::_exit(kFailed);
}

constexpr unsigned kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// A detached mount of a new file system.
int NewFileSystem(const char* type, unsigned attributes);

inline void Attach(int tree, const char* target) {
  Require(::move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0);
}

}  // namespace trivet::bench::floor
