#include "shim/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trivet::shim {
namespace {

// The folder may be one that a container can write to: what is there is not waited for (a FIFO),
// not followed and not written to unless it is a file.
Result<UniqueFd> OpenLog(const std::string& path) {
  constexpr mode_t kMode = 0640;
  constexpr int kFlags =
      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kFlags, kMode));
  struct stat status{};
  const bool opened = fd.valid() && ::fstat(fd.get(), &status) == 0;
  if (opened && S_ISREG(status.st_mode)) return fd;
  // ENXIO: a FIFO that nobody reads, or a socket.
  if (!opened && errno != ENXIO) return FailErrno("open log {}", path);
  return Fail(Code::kInvalidArgument, "open log {}: not a regular file", path);
}

// Whether the first `written` bytes of `pieces` end within a line.
bool IsTorn(std::span<const iovec> pieces, size_t written) {
  while (written > pieces.front().iov_len) {
    written -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  return written > 0 && static_cast<const char*>(pieces.front().iov_base)[written - 1] != '\n';
}

// Leaves in `pieces` what `written` bytes did not cover.
std::span<iovec> Remaining(std::span<iovec> pieces, size_t written) {
  while (!pieces.empty() && written >= pieces.front().iov_len) {
    written -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + written;
    pieces.front().iov_len -= written;
  }
  return pieces;
}

}  // namespace

Result<LogFile> LogFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenLog(path));
  return LogFile(path, std::move(fd));
}

Result<> LogFile::Reopen() {
  if (path_.empty()) return {};
  ASSIGN_OR_RETURN(fd_, OpenLog(path_));
  torn_ = false;
  return {};
}

bool LogFile::EndTornLine() {
  constexpr char kEnd = '\n';
  if (torn_ && ::write(fd_.get(), &kEnd, 1) == 1) torn_ = false;
  return !torn_;
}

void LogFile::Write(std::span<iovec> pieces) {
  if (!fd_.valid() || !EndTornLine()) return;
  while (!pieces.empty()) {
    const ssize_t n = ::writev(fd_.get(), pieces.data(), static_cast<int>(pieces.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    torn_ = IsTorn(pieces, static_cast<size_t>(n));
    pieces = Remaining(pieces, static_cast<size_t>(n));
  }
}

}  // namespace trivet::shim
