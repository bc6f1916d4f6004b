#pragma once

#include <memory>
#include <optional>

#include "common/base/error.h"
#include "cri-runtime/image/byte_stream.h"

struct archive;

namespace trivet::image {

/// A libarchive reader that takes its bytes from a ByteStream. It reads only:
/// nothing of libarchive ever writes to the disk here.
class ArchiveInput {
 public:
  explicit ArchiveInput(ByteStream& input);
  ~ArchiveInput();
  ArchiveInput(const ArchiveInput&) = delete;
  ArchiveInput& operator=(const ArchiveInput&) = delete;

  /// For libarchive's calls.
  [[nodiscard]] archive* get() const { return archive_; }
  /// Call after formats and filters are set.
  Result<> Open();
  /// Why the last call failed: the stream's own failure, or libarchive's words.
  [[nodiscard]] std::unexpected<Error> Failure() const;

 private:
  static ssize_t ReadChunk(archive* archive, void* self, const void** buffer);

  ByteStream& input_;
  archive* archive_;
  std::optional<Error> failure_;
};

}  // namespace trivet::image
