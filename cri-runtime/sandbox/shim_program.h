#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "common/base/error.h"
#include "common/linux/mount.h"

namespace trivet::sandbox {

/// An executable on a read-only mount of its own file, which is nowhere: what a container finds
/// through /proc/<pid>/exe it cannot write to (CVE-2019-5736). A shim started from elsewhere gives
/// itself such a mount and executes itself once more.
class ReadOnlyProgram {
 public:
  /// Errors: kNotFound, ... of the file's path.
  static Result<ReadOnlyProgram> Open(const std::filesystem::path& file);

  /// For execve(2) of a child, while this object lives.
  [[nodiscard]] std::filesystem::path path() const;
  /// Whether `file` is still the very file: a package may have replaced it.
  [[nodiscard]] bool IsFrom(const std::filesystem::path& file) const;

 private:
  ReadOnlyProgram(DetachedMount mount, const struct stat& status)
      : mount_(std::move(mount)), status_(status) {}

  DetachedMount mount_;
  struct stat status_;
};

/// One for each executable that was asked for. Any thread.
class ReadOnlyPrograms {
 public:
  Result<std::shared_ptr<const ReadOnlyProgram>> Of(const std::filesystem::path& file);

 private:
  std::mutex mutex_;
  std::map<std::filesystem::path, std::shared_ptr<const ReadOnlyProgram>> programs_;
};

}  // namespace trivet::sandbox
