#include "common/linux/path_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstring>

namespace trivet {
namespace async_signal_safe {
namespace {

constexpr int kMaxLinks = 40;  // the kernel's own limit (MAXSYMLINKS)

void Close(int fd) {
  const int saved_errno = errno;
  ::close(fd);
  errno = saved_errno;
}

// A path that is walked from its start; `head` is how much of it exists.
struct Walk {
  char path[PATH_MAX];

  bool Set(const char* text) {
    if (std::strlen(text) >= sizeof path) {
      errno = ENAMETOOLONG;
      return false;
    }
    std::strcpy(path, text);
    return true;
  }
  // Puts `link` in place of the component [begin, end); an absolute one starts at the root.
  bool Splice(const char* link, size_t link_size, size_t begin, size_t end) {
    const size_t kept = link[0] == '/' ? 0 : begin;
    const size_t rest = std::strlen(path + end);
    if (kept + link_size + rest >= sizeof path) {
      errno = ENAMETOOLONG;
      return false;
    }
    std::memmove(path + kept + link_size, path + end, rest + 1);
    std::memcpy(path + kept, link, link_size);
    return true;
  }
};

size_t SkipSlashes(const char* path, size_t at) {
  while (path[at] == '/') ++at;
  return at;
}

size_t EndOfComponent(const char* path, size_t at) {
  while (path[at] != '/' && path[at] != '\0') ++at;
  return at;
}

// Replaces the component [begin, end) of `walk` by what its link says.
bool FollowLink(int parent_fd, Walk& walk, size_t begin, size_t end) {
  char link[PATH_MAX];
  const char after = walk.path[end];
  walk.path[end] = '\0';
  const ssize_t size = ::readlinkat(parent_fd, walk.path + begin, link, sizeof link);
  walk.path[end] = after;
  if (size <= 0) return false;
  return walk.Splice(link, static_cast<size_t>(size), begin, end);
}

// Opens the component [begin, end) with everything before it, below the root.
int OpenUpTo(int root_fd, Walk& walk, size_t end, int flags) {
  const char after = walk.path[end];
  walk.path[end] = '\0';
  const int fd = OpenInRoot(root_fd, walk.path, flags, 0);
  walk.path[end] = after;
  return fd;
}

int MakeComponent(int parent_fd, Walk& walk, size_t begin, size_t end, mode_t mode) {
  const char after = walk.path[end];
  walk.path[end] = '\0';
  const int made = ::mkdirat(parent_fd, walk.path + begin, mode);
  walk.path[end] = after;
  return made;
}

// One step below `parent_fd`: the folder's descriptor; or -1 with errno ELOOP after the path was
// rewritten, to be walked again from the start.
int Step(int root_fd, int parent_fd, Walk& walk, size_t begin, size_t end, mode_t mode) {
  int fd = OpenUpTo(root_fd, walk, end, O_PATH | O_DIRECTORY);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (MakeComponent(parent_fd, walk, begin, end, mode) != 0 && errno != EEXIST) return -1;
  fd = OpenUpTo(root_fd, walk, end, O_PATH | O_DIRECTORY);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (FollowLink(parent_fd, walk, begin, end)) errno = ELOOP;  // a link to nothing
  return -1;
}

int WalkOnce(int root_fd, Walk& walk, mode_t mode) {
  int fd = OpenInRoot(root_fd, "/", O_PATH | O_DIRECTORY, 0);
  for (size_t begin = SkipSlashes(walk.path, 0); fd >= 0 && walk.path[begin] != '\0';) {
    const size_t end = EndOfComponent(walk.path, begin);
    const int next = Step(root_fd, fd, walk, begin, end, mode);
    Close(fd);
    fd = next;
    if (fd >= 0) begin = SkipSlashes(walk.path, end);
  }
  return fd;
}

int Walking(int root_fd, Walk& walk, mode_t mode) {
  for (int links = 0; links < kMaxLinks; ++links) {
    const int fd = WalkOnce(root_fd, walk, mode);
    if (fd >= 0 || errno != ELOOP) return fd;
  }
  return -1;
}

// The file [name] in the folder before it; ELOOP with `walk` rewritten when it is a link to
// nothing.
int MakeFile(int root_fd, Walk& walk, mode_t mode) {
  Walk folder;
  const char* slash = std::strrchr(walk.path, '/');
  const size_t begin = slash == nullptr ? 0 : static_cast<size_t>(slash - walk.path) + 1;
  const size_t end = begin + std::strlen(walk.path + begin);
  std::memcpy(folder.path, walk.path, begin);
  folder.path[begin] = '\0';
  const int parent_fd = Walking(root_fd, folder, 0755);
  if (parent_fd < 0) return -1;
  const int made = ::openat(parent_fd, walk.path + begin,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (made >= 0) Close(made);
  // The parent may have been reached through links: a relative link counts from where it is.
  const bool linked = made < 0 && errno == EEXIST && FollowLink(parent_fd, walk, begin, end);
  Close(parent_fd);
  if (linked) errno = ELOOP;
  return made >= 0 ? 0 : -1;
}

// Where only the last component is absent: what most mounts need.
bool MakeLast(int root_fd, Walk& walk, mode_t mode) {
  char* const slash = std::strrchr(walk.path, '/');
  if (slash == nullptr || slash == walk.path || slash[1] == '\0') return false;
  *slash = '\0';
  const int parent_fd = OpenInRoot(root_fd, walk.path, O_PATH | O_DIRECTORY, 0);
  *slash = '/';
  const bool made = parent_fd >= 0 && ::mkdirat(parent_fd, slash + 1, mode) == 0;
  if (parent_fd >= 0) Close(parent_fd);
  return made;
}

}  // namespace

int OpenInRoot(int root_fd, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  do {  // EAGAIN: a rename or mount elsewhere made a ".." uncertain
    fd = static_cast<int>(::syscall(SYS_openat2, root_fd, path, &how, sizeof how));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  return fd;
}

int EnsureDirectoryInRoot(int root_fd, const char* path, mode_t mode) {
  int fd = OpenInRoot(root_fd, path, O_PATH | O_DIRECTORY, 0);
  if (fd >= 0 || errno != ENOENT) return fd;
  Walk walk;
  if (!walk.Set(path)) return -1;
  if (MakeLast(root_fd, walk, mode)) fd = OpenInRoot(root_fd, path, O_PATH | O_DIRECTORY, 0);
  return fd >= 0 ? fd : Walking(root_fd, walk, mode);
}

int EnsureFileInRoot(int root_fd, const char* path, mode_t mode) {
  Walk walk;
  if (!walk.Set(path)) return -1;
  for (int links = 0; links < kMaxLinks; ++links) {
    const int fd = OpenInRoot(root_fd, walk.path, O_PATH, 0);
    if (fd >= 0 || errno != ENOENT) return fd;
    if (MakeFile(root_fd, walk, mode) != 0 && errno != ELOOP) return -1;
  }
  return -1;
}

}  // namespace async_signal_safe

namespace {
Result<UniqueFd> Opened(int fd, std::string_view verb, const std::string& path) {
  UniqueFd owned(fd);
  if (!owned.valid()) return FailErrno("{} {} in the root", verb, path);
  return owned;
}
}  // namespace

Result<UniqueFd> OpenInRoot(int root_fd, const std::string& path, int flags, mode_t mode) {
  return Opened(async_signal_safe::OpenInRoot(root_fd, path.c_str(), flags, mode), "open", path);
}

Result<UniqueFd> EnsureDirectoryInRoot(int root_fd, const std::string& path, mode_t mode) {
  return Opened(async_signal_safe::EnsureDirectoryInRoot(root_fd, path.c_str(), mode),
                "make folder", path);
}

Result<UniqueFd> EnsureFileInRoot(int root_fd, const std::string& path, mode_t mode) {
  return Opened(async_signal_safe::EnsureFileInRoot(root_fd, path.c_str(), mode), "make file",
                path);
}

}  // namespace trivet
