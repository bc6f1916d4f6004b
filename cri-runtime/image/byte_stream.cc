#include "cri-runtime/image/byte_stream.h"

#include <unistd.h>

namespace trivet::image {
namespace {
constexpr size_t kChunkBytes = size_t{256} << 10;
}

Result<> Drain(ByteStream& stream) {
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view chunk, stream.Read());
    if (chunk.empty()) return {};
  }
}

FileStream::FileStream(int fd, std::string name)
    : fd_(fd), name_(std::move(name)), buffer_(kChunkBytes) {}

Result<std::string_view> FileStream::Read() {
  ssize_t n = -1;
  do {
    n = ::pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_bytes_));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return FailErrno("read {}", name_);
  offset_bytes_ += static_cast<uint64_t>(n);
  return std::string_view(buffer_.data(), static_cast<size_t>(n));
}

Result<std::string_view> HashingStream::Read() {
  ASSIGN_OR_RETURN(const std::string_view chunk, inner_.Read());
  hash_.Update(chunk.data(), chunk.size());
  passed_bytes_ += chunk.size();
  return chunk;
}

}  // namespace trivet::image
