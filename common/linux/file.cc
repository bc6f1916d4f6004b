#include "common/linux/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>

namespace trivet {
namespace {

// Ordered: written to the disk, whose cache is flushed with a later sync.
enum class Durability { kVolatile, kOrdered, kDurable };

Result<> MakeDurable(int fd, const std::filesystem::path& file, Durability durability) {
  constexpr unsigned kWritten =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (durability == Durability::kDurable && ::fsync(fd) != 0) {
    return FailErrno("fsync {}", file.native());
  }
  if (durability == Durability::kOrdered && ::sync_file_range(fd, 0, 0, kWritten) != 0) {
    return FailErrno("write out {}", file.native());
  }
  return {};
}

// Unique among the threads and processes that may write the same file at once.
std::filesystem::path SiblingOf(const std::filesystem::path& file) {
  static std::atomic<uint64_t> counter{0};
  return file.parent_path() /
         fmt::format(".{}.{}.{}.tmp", file.filename().native(), ::getpid(), ++counter);
}

bool IsSibling(const std::string& name) {
  return name.starts_with('.') && name.ends_with(".tmp");
}

Result<> WriteNew(const std::filesystem::path& file, std::string_view content, mode_t mode,
                  Durability durability) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid()) return FailErrno("create {}", file.native());
  RETURN_IF_ERROR(WriteAll(fd.get(), content, file.native()), "write");
  if (::fchmod(fd.get(), mode) != 0) return FailErrno("chmod {}", file.native());
  return MakeDurable(fd.get(), file, durability);
}

Result<> Replace(const std::filesystem::path& file, std::string_view content, mode_t mode,
                 Durability durability, Sync name) {
  const std::filesystem::path sibling = SiblingOf(file);
  auto written = WriteNew(sibling, content, mode, durability);
  if (written && ::rename(sibling.c_str(), file.c_str()) != 0) {
    written = FailErrno("rename {} to {}", sibling.native(), file.native());
  }
  if (!written) {
    ::unlink(sibling.c_str());
    return written;
  }
  return name == Sync::kNow ? SyncDirectory(file.parent_path()) : Result<>{};
}

Result<> SyncPath(const std::filesystem::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", path.native());
  if (::fsync(fd.get()) != 0) return FailErrno("fsync {}", path.native());
  return {};
}

}  // namespace

Result<std::string> ReadAll(int fd, std::string_view name, uint64_t limit_bytes) {
  std::array<char, 16384> chunk;  // uninitialised: of a short file, one page of it is touched
  std::string content;
  while (true) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read {}", name);
    content.append(chunk.data(), static_cast<size_t>(n));
    if (n == 0) return content;
    if (content.size() > limit_bytes) {
      return Fail(Code::kOutOfRange, "read {}: larger than {} bytes", name, limit_bytes);
    }
  }
}

Result<std::string> ReadFile(const std::filesystem::path& file, uint64_t limit_bytes) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  return ReadAll(fd.get(), file.native(), limit_bytes);
}

Result<> WriteAll(int fd, std::string_view data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("write {}", name);
    data.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<> WriteControlFile(const std::filesystem::path& file, std::string_view value) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return FailErrno("write '{}' to {}", value, file.native());
  }
  return {};
}

Result<> WriteFileAtomically(const std::filesystem::path& file, std::string_view content,
                             mode_t mode, Sync name) {
  const Durability bytes = name == Sync::kNow ? Durability::kDurable : Durability::kOrdered;
  return Replace(file, content, mode, bytes, name);
}

Result<> WriteFileVolatile(const std::filesystem::path& file, std::string_view content,
                           mode_t mode) {
  return Replace(file, content, mode, Durability::kVolatile, Sync::kLater);
}

Result<> RemoveAbandonedSiblings(const std::filesystem::path& directory) {
  auto names = ListDirectory(directory);
  if (!names && names.error().code() == Code::kNotFound) return {};
  if (!names) return std::unexpected(std::move(names).error());
  for (const std::string& name : *names) {
    if (IsSibling(name)) RETURN_IF_ERROR(RemoveFile(directory / name), "abandoned");
  }
  return {};
}

Result<> EnsureDirectory(const std::filesystem::path& directory, mode_t mode) {
  if (::mkdir(directory.c_str(), mode) == 0) return {};
  if (errno == ENOENT && directory.has_parent_path()) {
    RETURN_IF_ERROR(EnsureDirectory(directory.parent_path(), mode), "parent");
    if (::mkdir(directory.c_str(), mode) == 0) return {};
  }
  if (errno != EEXIST) return FailErrno("mkdir {}", directory.native());
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) return FailErrno("stat {}", directory.native());
  if (!S_ISDIR(info.st_mode)) {
    return Fail(Code::kFailedPrecondition, "mkdir {}: not a folder", directory.native());
  }
  return {};
}

Result<> RemoveFile(const std::filesystem::path& file, bool durable) {
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return FailErrno("unlink {}", file.native());
  }
  if (durable) return SyncDirectory(file.parent_path());
  return {};
}

Result<> SyncFile(const std::filesystem::path& file) {
  return SyncPath(file, O_RDONLY);
}

Result<> SyncDirectory(const std::filesystem::path& directory) {
  return SyncPath(directory, O_RDONLY | O_DIRECTORY);
}

Result<std::vector<std::string>> ListDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error) {
    return std::unexpected(
        Error::FromErrno(error.value(), fmt::format("list {}", directory.native())));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> ReadBootId() {
  static std::mutex mutex;
  static std::string id;
  const std::lock_guard lock(mutex);
  if (!id.empty()) return id;
  ASSIGN_OR_RETURN(std::string text, ReadFile("/proc/sys/kernel/random/boot_id"), "boot id");
  id = text.substr(0, text.find('\n'));
  return id;
}

}  // namespace trivet
