#include "common/linux/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "common/linux/file.h"

namespace trivet {

Result<FileLock> FileLock::Lock(const std::filesystem::path& file, int operation) {
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return FailErrno("open {}", file.native());
  int locked = -1;
  do {
    locked = ::flock(fd.get(), operation);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0 && errno == EWOULDBLOCK) {
    return Fail(Code::kAborted, "lock {}: held by another process", file.native());
  }
  if (locked != 0) return FailErrno("lock {}", file.native());
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& file) {
  return Lock(file, LOCK_EX);
}

Result<FileLock> FileLock::AcquireMakingFolder(const std::filesystem::path& file, mode_t mode) {
  auto lock = Acquire(file);
  if (lock || lock.error().code() != Code::kNotFound) return lock;
  RETURN_IF_ERROR(EnsureDirectory(file.parent_path(), mode));
  return Acquire(file);
}

Result<FileLock> FileLock::TryAcquire(const std::filesystem::path& file) {
  return Lock(file, LOCK_EX | LOCK_NB);
}

}  // namespace trivet
