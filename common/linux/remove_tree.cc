#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "common/linux/file.h"

namespace trivet {
namespace {

// Deeper trees, which somebody made to be in the way, are the library's: each level costs a
// descriptor and stack.
constexpr int kMostLevels = 16;
constexpr int kTooDeep = EMLINK;

// Zero, or an errno.
int RemoveEntry(int folder_fd, const char* name, bool is_folder, int levels);

bool IsSelfOrParent(const char* name) {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

int RemoveAllOf(const dirent64* entry, const dirent64* end, int folder_fd, int levels) {
  const auto next = [](const dirent64* of) {
    return reinterpret_cast<const dirent64*>(reinterpret_cast<const char*>(of) + of->d_reclen);
  };
  for (; entry < end; entry = next(entry)) {
    if (IsSelfOrParent(entry->d_name)) continue;
    const int error = RemoveEntry(folder_fd, entry->d_name, entry->d_type == DT_DIR, levels);
    if (error != 0) return error;
  }
  return 0;
}

int Empty(int folder_fd, int levels) {
  constexpr size_t kBytes = 4096;
  alignas(dirent64) char entries[kBytes];
  while (true) {
    const ssize_t n = ::getdents64(folder_fd, entries, sizeof entries);
    if (n <= 0) return n == 0 ? 0 : errno;
    const int error =
        RemoveAllOf(reinterpret_cast<const dirent64*>(entries),
                    reinterpret_cast<const dirent64*>(entries + n), folder_fd, levels);
    if (error != 0) return error;
  }
}

bool Unlink(int folder_fd, const char* name, int flags) {
  return ::unlinkat(folder_fd, name, flags) == 0 || errno == ENOENT;
}

// Most folders are empty: what is in one is asked for when the kernel says that something is.
int RemoveFolder(int parent_fd, const char* name, int levels) {
  if (Unlink(parent_fd, name, AT_REMOVEDIR)) return 0;
  if (errno != ENOTEMPTY && errno != EEXIST) return errno;
  if (levels == 0) return kTooDeep;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd folder(::openat(parent_fd, name, kFlags));
  if (!folder.valid()) return errno;
  if (const int error = Empty(folder.get(), levels - 1); error != 0) return error;
  return Unlink(parent_fd, name, AT_REMOVEDIR) ? 0 : errno;
}

int RemoveEntry(int folder_fd, const char* name, bool is_folder, int levels) {
  if (is_folder) return RemoveFolder(folder_fd, name, levels);
  if (Unlink(folder_fd, name, 0)) return 0;
  // Not every file system tells which entries are folders.
  return errno == EISDIR ? RemoveFolder(folder_fd, name, levels) : errno;
}

}  // namespace

Result<> RemoveTree(const std::filesystem::path& tree) {
  int failed = RemoveFolder(AT_FDCWD, tree.c_str(), kMostLevels);
  if (failed == ENOTDIR) failed = RemoveEntry(AT_FDCWD, tree.c_str(), false, 0);
  if (failed == ENOTDIR) return {};  // a file is above it
  std::error_code error(failed, std::generic_category());
  if (failed == kTooDeep) {
    error.clear();
    std::filesystem::remove_all(tree, error);
  }
  if (!error) return {};
  return std::unexpected(Error::FromErrno(error.value(), fmt::format("remove {}", tree.native())));
}

}  // namespace trivet
