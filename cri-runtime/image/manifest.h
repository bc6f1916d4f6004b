#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/digest.h"
#include "cri-runtime/image/platform.h"

namespace trivet::image {

/// What a descriptor points at. Docker's own media types mean the same as OCI's.
enum class Media { kIndex, kManifest, kConfig, kLayerTar, kLayerGzip, kLayerZstd, kOther };

/// A reference to a blob by content.
/// Source: OCI image specification, descriptor.md.
struct Descriptor {
  Media media = Media::kOther;
  std::string media_type;  // as written, for errors
  Digest digest;
  uint64_t size_bytes = 0;
  std::optional<Platform> platform;
  std::string
      name;  // "io.containerd.image.name", or "org.opencontainers.image.ref.name"; may be empty
};

/// One image: its configuration and its layers, lowest first.
struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};

/// Errors of both: kInvalidArgument naming the field; for a manifest also when
/// a layer's media type or compression is not one we know.
/// Source: OCI image specification, image-index.md and manifest.md.
Result<std::vector<Descriptor>> ParseIndex(std::string_view text);
Result<Manifest> ParseManifest(std::string_view text);

}  // namespace trivet::image
