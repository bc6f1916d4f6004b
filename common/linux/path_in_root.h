#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

/// Paths below a folder that somebody else fills (a container's root): links, ".." and the leading
/// "/" are all taken relative to that folder, so nothing outside of it can be reached.
/// Source: openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS.
namespace trivet {

/// Opens what exists, or with O_CREAT makes a file. The last component's link is followed, inside
/// the root, unless O_NOFOLLOW is given.
Result<UniqueFd> OpenInRoot(int root_fd, const std::string& path, int flags, mode_t mode = 0);

/// Opens (O_PATH) the folder at `path`, made with its parents where absent (links that point to
/// nothing are filled in, too).
Result<UniqueFd> EnsureDirectoryInRoot(int root_fd, const std::string& path, mode_t mode = 0755);

/// Opens (O_PATH) the file at `path`, made empty with its parents where absent.
Result<UniqueFd> EnsureFileInRoot(int root_fd, const std::string& path, mode_t mode = 0644);

/// The same without allocation, for a child between clone3 and execve: a descriptor, or -1 and
/// errno.
namespace async_signal_safe {
int OpenInRoot(int root_fd, const char* path, int flags, mode_t mode);
int EnsureDirectoryInRoot(int root_fd, const char* path, mode_t mode);
int EnsureFileInRoot(int root_fd, const char* path, mode_t mode);
}  // namespace async_signal_safe

}  // namespace trivet
