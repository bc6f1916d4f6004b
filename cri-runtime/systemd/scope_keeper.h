#pragma once

#include <sys/types.h>

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::systemd {

/// A process that does nothing but be in a scope: systemd makes no scope without a process, and
/// takes one away, with its counters, as soon as the last process has gone. So a container's group
/// is there before its first process, and its OOM kills can still be read after the last.
///
/// It is no child of this process. Until it is let go it ends with this object, or with the daemon.
class ScopeKeeper {
 public:
  /// `shim` is trivet-shim, which has the program in it.
  static Result<ScopeKeeper> Start(const std::filesystem::path& shim);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// From now on it stays until its group is killed.
  Result<> LetGo() &&;

 private:
  ScopeKeeper(pid_t pid, UniqueFd command) : pid_(pid), command_(std::move(command)) {}

  pid_t pid_;
  UniqueFd command_;
};

}  // namespace trivet::systemd
