#pragma once

#include <cstdint>

namespace trivet::image {

/// What an image may cost before it is refused (kResourceExhausted). An image
/// is a stranger's input: each of these has been used as a bomb somewhere. An error names the key
/// of the daemon's configuration where there is one.
struct Limits {
  uint64_t json_bytes = uint64_t{4} << 20;          // one index, manifest or configuration
  uint64_t layers = 128;                            // per image; overlayfs itself ends at 500
  uint64_t entries_per_layer = 500'000;             // and folders that only paths mention
  uint64_t kept_path_bytes = uint64_t{128} << 20;   // per layer: of folders and whiteouts
  uint64_t unpacked_bytes = uint64_t{32} << 30;     // per image, tar framing and holes included
  uint64_t archive_bytes = uint64_t{32} << 30;      // content of an archive file, staged
  uint64_t archive_entries = 10'000;                // blobs and other files of an archive
  uint64_t ratio = 200;                             // unpacked : compressed, per layer
  uint64_t ratio_free_bytes = uint64_t{128} << 20;  // unpacked bytes before `ratio` counts
  uint64_t path_depth = 256;                        // components of an entry's path
};

}  // namespace trivet::image
