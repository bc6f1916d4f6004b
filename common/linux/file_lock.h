#pragma once

#include <sys/types.h>

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet {

/// An exclusive flock(2) on a file, held while the object lives. It excludes
/// other processes and other FileLocks of this process alike.
class FileLock {
 public:
  /// Waits until the lock is free. The file is created (0600) when absent.
  static Result<FileLock> Acquire(const std::filesystem::path& file);
  /// As Acquire; the folder of the file is made when absent, too, with `mode`.
  static Result<FileLock> AcquireMakingFolder(const std::filesystem::path& file,
                                              mode_t mode = 0700);
  /// Errors: kAborted when another holds it.
  static Result<FileLock> TryAcquire(const std::filesystem::path& file);

  /// The file, open for reading and writing: a child that inherits it holds the lock, too.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  static Result<FileLock> Lock(const std::filesystem::path& file, int operation);
  UniqueFd fd_;
};

}  // namespace trivet
