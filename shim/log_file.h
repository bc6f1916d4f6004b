#pragma once

#include <sys/uio.h>

#include <span>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::shim {

/// A container's log file. A write that fails is lost, never the container's problem: a full disk
/// must not stop a pod.
class LogFile {
 public:
  /// Opens for appending, made 0640 when absent; a link at `path` is refused.
  static Result<LogFile> Open(const std::string& path);
  /// Drops everything.
  static LogFile Discard() { return LogFile({}, UniqueFd()); }

  /// Opens the path again, after rotation renamed the file. When that fails the old file is kept
  /// and no new one is there.
  Result<> Reopen();

  /// `pieces` end with a line's end. What a full disk cuts off is made a line of its own as soon as
  /// there is room: the next one begins where a reader expects it.
  void Write(std::span<iovec> pieces);

 private:
  LogFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  bool EndTornLine();

  UniqueFd fd_;
  bool torn_ = false;  // the file ends within a line
};

}  // namespace trivet::shim
