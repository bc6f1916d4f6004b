#include "common/linux/state_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "common/linux/file.h"

namespace trivet {
namespace {

// A pipe or a device in a file's place is not waited for.
constexpr int kFollowFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kOpenFlags = kFollowFlags | O_NOFOLLOW;

constexpr size_t kPageBytes = 4096;  // of the smallest there is

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

}  // namespace

Result<std::string> ReadRegularFile(const std::filesystem::path& file, uint64_t limit_bytes,
                                    LastLink link) {
  const int flags = link == LastLink::kIsFollowed ? kFollowFlags : kOpenFlags;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | flags));
  // Of a link, and of a socket or a device that nobody serves.
  const bool other = !fd.valid() && (errno == ELOOP || errno == ENXIO || errno == ENODEV);
  if (!fd.valid() && !other) return FailErrno("open {}", file.native());
  struct stat info{};
  if (other || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Fail(Code::kFailedPrecondition, "read {}: not a regular file", file.native());
  }
  return ReadAll(fd.get(), file.native(), limit_bytes);
}

Result<bool> OverwriteFile(const std::filesystem::path& file, std::string_view content) {
  if (content.size() > kPageBytes) return false;
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | kOpenFlags));
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return false;
  if (!S_ISREG(info.st_mode) || static_cast<size_t>(info.st_size) > content.size()) return false;
  RETURN_IF_ERROR(WriteAll(fd.get(), content, file.native()));
  return true;
}

Result<bool> CreateFile(const std::filesystem::path& file, std::string_view content, mode_t mode) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid() && errno == EEXIST) return false;
  if (!fd.valid()) return FailErrno("create {}", file.native());
  auto written = WriteAll(fd.get(), content, file.native());
  if (!written) {
    ::unlink(file.c_str());
    return std::unexpected(std::move(written).error());
  }
  return true;
}

Result<> WritePage(const std::filesystem::path& file, std::string text) {
  text.resize(std::max(text.size(), kPageBytes), '\n');
  ASSIGN_OR_RETURN(const bool overwritten, OverwriteFile(file, text));
  if (overwritten) return {};
  ASSIGN_OR_RETURN(const bool created, CreateFile(file, text));
  return created ? Result<>() : WriteFileVolatile(file, text);
}

Result<> WriteFileThrough(const std::filesystem::path& sibling, const std::filesystem::path& file,
                          std::string_view content, mode_t mode) {
  const UniqueFd fd(::open(sibling.c_str(), O_WRONLY | O_CREAT | O_TRUNC | kOpenFlags, mode));
  if (!fd.valid()) return FailErrno("create {}", sibling.native());
  auto written = WriteAll(fd.get(), content, sibling.native());
  if (written && ::fchmod(fd.get(), mode) != 0) written = FailErrno("chmod {}", sibling.native());
  if (written && ::rename(sibling.c_str(), file.c_str()) != 0) {
    written = FailErrno("rename {} to {}", sibling.native(), file.native());
  }
  if (!written) ::unlink(sibling.c_str());
  return written;
}

Result<> VisitDirectory(const std::filesystem::path& directory,
                        const std::function<Visit(std::string_view)>& use) {
  const std::unique_ptr<DIR, CloseDirectory> stream(::opendir(directory.c_str()));
  if (stream == nullptr) return FailErrno("list {}", directory.native());
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (use(name) == Visit::kStop) return {};
  }
  if (errno != 0) return FailErrno("list {}", directory.native());
  return {};
}

}  // namespace trivet
