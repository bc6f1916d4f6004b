#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/location.h"
#include "cri-runtime/image/manifest.h"

namespace trivet::image {

/// The files of an OCI image layout, wherever they are.
/// Source: OCI image specification, image-layout.md.
class Source {
 public:
  virtual ~Source() = default;

  /// A file by its name in the layout: "index.json", "blobs/sha256/…".
  /// Errors: kNotFound; kInvalidArgument for what is not a plain file.
  [[nodiscard]] virtual Result<UniqueFd> Open(const std::string& name) const = 0;

  /// The blob, its size checked against the descriptor, its content not yet.
  [[nodiscard]] Result<UniqueFd> OpenBlob(const Descriptor& descriptor) const;
  /// A small blob, verified.
  [[nodiscard]] Result<std::string> ReadBlob(const Descriptor& descriptor,
                                             uint64_t limit_bytes) const;
};

/// Opens the layout at `location`; an archive is first staged in `scratch`.
/// Errors: kNotFound, kInvalidArgument naming the file; kResourceExhausted.
Result<std::unique_ptr<Source>> OpenSource(const Location& location, const Limits& limits,
                                           const std::filesystem::path& scratch);

}  // namespace trivet::image
