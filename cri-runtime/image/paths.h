#pragma once

#include <filesystem>
#include <string_view>

#include "cri-runtime/image/digest.h"

namespace trivet::image {

/// The image store's folder (0700), by default /var/lib/trivet/cri/images:
///
///     lock                       held by the one process that has the store open
///     images.json                the record: every image, its names and layers; replaced whole
///     blobs/sha256/<hex>         manifests and configurations, as they were published
///     layers/<hex of chain-id>/
///       layer.json               diff-id, bytes and inodes on disk
///       root/                    the unpacked files, whiteouts in overlay's form: a lowerdir
///     empty/                     the one lowerdir of an image without layers
///     tmp/<n>/                   work in progress, and garbage that is being deleted; whatever is
///                                here at start is removed
///
/// Blobs and layers come into being by rename(2) out of tmp/, after they are on disk. What
/// images.json does not refer to is nobody's, and goes: back into tmp/.
struct Paths {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path Lock() const { return root / "lock"; }
  [[nodiscard]] std::filesystem::path Record() const { return root / "images.json"; }
  [[nodiscard]] std::filesystem::path Blobs() const { return root / "blobs" / "sha256"; }
  [[nodiscard]] std::filesystem::path Blob(const Digest& digest) const {
    return Blobs() / digest.hex();
  }
  [[nodiscard]] std::filesystem::path Layers() const { return root / "layers"; }
  [[nodiscard]] std::filesystem::path Layer(const Digest& chain_id) const {
    return Layers() / chain_id.hex();
  }
  [[nodiscard]] std::filesystem::path Empty() const { return root / "empty"; }
  [[nodiscard]] std::filesystem::path Temporary() const { return root / "tmp"; }
};

/// Inside a layer's folder.
inline constexpr std::string_view kLayerRoot = "root";
inline constexpr std::string_view kLayerRecord = "layer.json";

}  // namespace trivet::image
