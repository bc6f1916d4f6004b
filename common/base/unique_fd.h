#pragma once

#include <cerrno>
#include <utility>

extern "C" int close(int);

namespace trivet {

/// The only owner of a file descriptor. Wrap in the creating expression:
/// `const UniqueFd fd(::open(...));`. Closing keeps errno and does not retry on
/// EINTR: Linux has released the number already (man 2 close).
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  /// Borrowed: do not close it, do not keep it past this object.
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old < 0 || old == fd) return;
    const int saved_errno = errno;
    ::close(old);
    errno = saved_errno;
  }

 private:
  int fd_ = -1;
};

}  // namespace trivet
