#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "cri-runtime/image/archive_input.h"
#include "cri-runtime/image/metadata.h"

struct archive_entry;

namespace trivet::image {

/// One header of a tar file, as it is written there: nothing is checked yet
/// except that numbers are in range.
struct TarEntry {
  enum class Type { kFile, kFolder, kSymlink, kHardLink, kFifo, kCharDevice, kBlockDevice, kOther };

  Type type = Type::kOther;
  std::string path;
  std::string link_target;
  Metadata metadata;
  uint64_t size_bytes = 0;
  uint64_t device_major = 0;
  uint64_t device_minor = 0;
};

/// Reads ustar, pax and GNU tar.
class TarReader {
 public:
  explicit TarReader(ByteStream& input) : input_(input) {}

  Result<> Open();
  /// The next entry, or nothing at the end. Errors: kInvalidArgument for a malformed file.
  Result<std::optional<TarEntry>> Next();
  /// Hands the content of the current entry to `write`, in order; holes are left out.
  using Write = std::function<Result<>(uint64_t offset_bytes, std::string_view data)>;
  Result<> ReadContent(const Write& write);

 private:
  ArchiveInput input_;
};

}  // namespace trivet::image
