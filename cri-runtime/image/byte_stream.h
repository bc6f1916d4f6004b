#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/image/digest.h"

namespace trivet::image {

/// Bytes that come in chunks, once.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// The next chunk, valid until the next call; empty at the end.
  virtual Result<std::string_view> Read() = 0;
};

/// Reads to the end and drops it.
Result<> Drain(ByteStream& stream);

/// A file from its beginning; the descriptor is borrowed.
class FileStream : public ByteStream {
 public:
  FileStream(int fd, std::string name);
  Result<std::string_view> Read() override;

 private:
  int fd_;
  std::string name_;
  uint64_t offset_bytes_ = 0;
  std::vector<char> buffer_;
};

/// Passes a stream on, and knows the count and the digest of what has passed.
class HashingStream : public ByteStream {
 public:
  explicit HashingStream(ByteStream& inner) : inner_(inner) {}
  Result<std::string_view> Read() override;

  [[nodiscard]] uint64_t passed_bytes() const { return passed_bytes_; }
  /// Once, after the end of the stream.
  [[nodiscard]] Digest Finish() { return hash_.Finish(); }

 private:
  ByteStream& inner_;
  Sha256 hash_;
  uint64_t passed_bytes_ = 0;
};

}  // namespace trivet::image
