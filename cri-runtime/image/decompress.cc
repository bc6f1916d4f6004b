#include "cri-runtime/image/decompress.h"

#include <archive.h>

#include "cri-runtime/image/archive_input.h"

namespace trivet::image {
namespace {

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(ByteStream& input) : input_(input) {}
  Result<std::string_view> Read() override { return input_.Read(); }

 private:
  ByteStream& input_;
};

// One libarchive filter over the "raw" format: exactly this filter, no guessing, no nesting.
class FilterStream : public ByteStream {
 public:
  FilterStream(ByteStream& input, int filter) : input_(input), filter_(filter) {}

  Result<> Open() {
    archive_read_support_format_raw(input_.get());
    if (archive_read_append_filter(input_.get(), filter_) != ARCHIVE_OK) return input_.Failure();
    RETURN_IF_ERROR(input_.Open());
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(input_.get(), &entry);
    at_end_ = status == ARCHIVE_EOF;
    if (!at_end_ && status != ARCHIVE_OK) return input_.Failure();
    return {};
  }

  Result<std::string_view> Read() override {
    while (!at_end_) {
      const void* data = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(input_.get(), &data, &size, &offset);
      at_end_ = status == ARCHIVE_EOF;
      if (!at_end_ && status != ARCHIVE_OK) return input_.Failure();
      if (size > 0) return std::string_view(static_cast<const char*>(data), size);
    }
    return std::string_view();
  }

 private:
  ArchiveInput input_;
  int filter_;
  bool at_end_ = false;
};

}  // namespace

Compression SniffCompression(std::string_view first_bytes) {
  if (first_bytes.starts_with("\x1f\x8b")) return Compression::kGzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  return Compression::kNone;
}

Result<std::unique_ptr<ByteStream>> Decompress(ByteStream& input, Compression compression) {
  if (compression == Compression::kNone) return std::make_unique<PlainStream>(input);
  const bool gzip = compression == Compression::kGzip;
  auto stream =
      std::make_unique<FilterStream>(input, gzip ? ARCHIVE_FILTER_GZIP : ARCHIVE_FILTER_ZSTD);
  RETURN_IF_ERROR(stream->Open(), gzip ? "gzip" : "zstd");
  return stream;
}

}  // namespace trivet::image
