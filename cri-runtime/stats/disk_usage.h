#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/error.h"

namespace trivet::stats {

struct DiskUsage {
  uint64_t used_bytes = 0;  // of blocks, as du(1) counts: a file with two names once
  uint64_t inodes = 0;
};

/// What a container's layer takes. The tree may change meanwhile, and is a container's: no link is
/// followed, no other file system entered, and below 256 folders deep nothing is counted.
/// Errors: kNotFound.
Result<DiskUsage> MeasureTree(const std::filesystem::path& tree);

}  // namespace trivet::stats
