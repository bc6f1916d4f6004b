#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/error.h"
#include "cri-runtime/image/limits.h"
#include "cri-runtime/image/manifest.h"
#include "cri-runtime/image/tar_reader.h"
#include "cri-runtime/image/tree_writer.h"

namespace trivet::image {

/// One layer to unpack.
struct LayerJob {
  int blob_fd = -1;  // borrowed; as long as the descriptor says
  Descriptor layer;
  Digest diff_id;
  std::filesystem::path root;                // an empty folder of ours
  std::vector<std::filesystem::path> lower;  // unpacked layers below, highest first
  uint64_t allowance_bytes = 0;              // what the image's limit leaves
};

/// What a layer takes.
struct LayerFacts {
  uint64_t disk_bytes = 0;
  uint64_t inodes = 0;
  uint64_t unpacked_bytes = 0;  // counted against Limits::unpacked_bytes
};

/// Streams a layer's blob through digest, decompression, digest and tar into
/// `root`. On failure `root` holds a part; the caller removes it.
/// Errors: kDataLoss when either digest differs; kInvalidArgument naming the
/// entry; kResourceExhausted naming the limit.
Result<LayerFacts> UnpackLayer(const LayerJob& job, const Limits& limits);

/// The same for the entries of one tar: used by UnpackLayer. Returns the sum of
/// the files' sizes, holes included.
Result<uint64_t> UnpackEntries(TarReader& tar, TreeWriter& tree, const Limits& limits,
                               uint64_t allowance_bytes);

}  // namespace trivet::image
