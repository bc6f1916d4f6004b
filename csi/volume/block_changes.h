#pragma once

#include <cstdint>
#include <vector>

#include "csi/pool/extents.h"

namespace trivet::csi {

/// A piece of a volume, in bytes.
struct BlockRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;

  bool operator==(const BlockRange&) const = default;
};

/// What of a volume of `size_bytes` was ever written; the rest reads as zeros. Pure.
std::vector<BlockRange> AllocatedBlocks(const std::vector<Extent>& extents, uint64_t size_bytes);

/// Where `target`, of `size_bytes`, may differ from `base`: both are snapshots of one volume, and
/// what they still share has the same place. Nothing that differs is left out. Pure.
std::vector<BlockRange> ChangedBlocks(const std::vector<Extent>& base,
                                      const std::vector<Extent>& target, uint64_t size_bytes);

/// The ranges from `offset` on; one that reaches over it is cut there. Pure.
std::vector<BlockRange> From(const std::vector<BlockRange>& ranges, uint64_t offset);

}  // namespace trivet::csi
