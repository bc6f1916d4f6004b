#include "csi/pool/wipe.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace trivet::csi {
namespace {

constexpr uint64_t kEndBytes = uint64_t{1} << 20;

Result<uint64_t> SizeOfDevice(int fd) {
  uint64_t bytes = 0;
  if (::ioctl(fd, BLKGETSIZE64, &bytes) == 0) return bytes;
  return FailErrno("wipe: size of the device");
}

Result<> ZeroRange(int fd, uint64_t offset, uint64_t bytes) {
  std::array<uint64_t, 2> range = {offset, bytes};
  if (::ioctl(fd, BLKZEROOUT, range.data()) == 0) return {};
  return FailErrno("wipe: zero {} bytes at {}", bytes, offset);
}

// In pieces: a signal ends the call between two of them.
Result<> ZeroAll(int fd, uint64_t size) {
  constexpr uint64_t kPieceBytes = uint64_t{256} << 20;
  for (uint64_t at = 0; at < size; at += kPieceBytes) {
    RETURN_IF_ERROR(ZeroRange(fd, at, std::min(kPieceBytes, size - at)));
  }
  return {};
}

Result<> DiscardAll(int fd, uint64_t size) {
  std::array<uint64_t, 2> range = {0, size};
  if (::ioctl(fd, BLKDISCARD, range.data()) != 0) {
    return FailErrno("wipe: discard {} bytes (\"wipe\": \"zero\" needs no discard)", size);
  }
  RETURN_IF_ERROR(ZeroRange(fd, 0, std::min(kEndBytes, size)));
  return ZeroRange(fd, size - std::min(kEndBytes, size), std::min(kEndBytes, size));
}

}  // namespace

Result<> WipeDevice(int fd, Wipe how) {
  ASSIGN_OR_RETURN(const uint64_t size, SizeOfDevice(fd));
  RETURN_IF_ERROR(how == Wipe::kZero ? ZeroAll(fd, size) : DiscardAll(fd, size));
  if (::fsync(fd) != 0) return FailErrno("wipe: fsync");
  return {};
}

Result<> WipeStart(int fd) {
  ASSIGN_OR_RETURN(const uint64_t size, SizeOfDevice(fd));
  RETURN_IF_ERROR(ZeroRange(fd, 0, std::min(kEndBytes, size)));
  if (::fsync(fd) != 0) return FailErrno("wipe: fsync");
  return {};
}

}  // namespace trivet::csi
