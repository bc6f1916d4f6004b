#include "shim/stdio.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "shim/clock.h"

namespace trivet::shim {
namespace {

// One thread: all streams share it.
std::array<char, kMaxLineBytes> read_buffer;

}  // namespace

Result<UniqueFd> OpenNull(int flags) {
  constexpr const char* kNull = "/dev/null";
  UniqueFd fd(::open(kNull, flags | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", kNull);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return FailErrno("stat {}", kNull);
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
    return Fail(Code::kFailedPrecondition, "{} is not the null device", kNull);
  }
  return fd;
}

Result<std::unique_ptr<OutputStream>> OutputStream::Open(EventLoop& loop, UniqueFd reader,
                                                         LogFile& log, LogStream name,
                                                         std::function<void()> on_end) {
  std::unique_ptr<OutputStream> stream(
      new OutputStream(loop, std::move(reader), log, name, std::move(on_end)));
  OutputStream* self = stream.get();
  RETURN_IF_ERROR(loop.Add(self->reader_.get(), [self] { self->TakeOnce(); }));
  return stream;
}

OutputStream::~OutputStream() {
  if (reader_.valid()) loop_.Remove(reader_.get());
}

bool OutputStream::TakeOnce() {
  const ssize_t n = ::read(reader_.get(), read_buffer.data(), read_buffer.size());
  if (n > 0) {
    SetHungUp(false);
    log_.Take({read_buffer.data(), static_cast<size_t>(n)}, UnixTimeNs());
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0 && errno == EIO && !hangup_is_end_) {  // a terminal that nobody has open
    SetHungUp(true);
    return false;
  }
  Close();
  on_end_();
  return false;
}

// It can be read, as epoll sees it, for as long as nobody has it open.
void OutputStream::SetHungUp(bool hung_up) {
  if (hung_up_ == hung_up) return;
  hung_up_ = hung_up;
  loop_.OnlyForNews(reader_.get(), hung_up);
}

void OutputStream::EndAtHangup() {
  hangup_is_end_ = true;
  if (hung_up_) TakeOnce();
}

// A writer that outlives its container may write for ever: what fits a pipe is enough.
void OutputStream::DrainAndClose() {
  constexpr int kMostReads = 64;
  for (int i = 0; i < kMostReads && !ended() && TakeOnce(); ++i) {
  }
  if (!ended()) Close();
}

void OutputStream::Close() {
  log_.Finish(UnixTimeNs());
  loop_.Remove(reader_.get());
  reader_.reset();
}

}  // namespace trivet::shim
