#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/pools.h"
#include "csi/volume/block_changes.h"
#include "csi/volume/stores.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// Which pieces of a snapshot there are, and of what size it is.
struct BlockList {
  uint64_t size_bytes = 0;
  std::vector<BlockRange> ranges;  // ascending, apart from each other
};

/// Says which blocks a backup must read, from the pool's knowledge of where they are: nothing of
/// the volume's content is read. Any thread may call it.
class SnapshotBlocks {
 public:
  /// Borrowed: all three outlive it.
  SnapshotBlocks(const Stores& stores, const Pools& pools, VolumeLocks& locks)
      : stores_(stores), pools_(pools), locks_(locks) {}

  /// All that was written, from `offset` on.
  /// Errors: kNotFound; kOutOfRange for an offset beyond its end; kAborted while it is deleted.
  Result<BlockList> Allocated(const std::string& id, uint64_t offset) const;

  /// Where `target` may differ from `base`, from `offset` on.
  /// Errors: as Allocated; kInvalidArgument when they are not of one volume.
  Result<BlockList> Delta(const std::string& base, const std::string& target,
                          uint64_t offset) const;

 private:
  [[nodiscard]] Result<SnapshotRecord> Find(const std::string& id) const;
  [[nodiscard]] Result<std::vector<Extent>> ExtentsOf(const SnapshotRecord& snapshot) const;

  const Stores& stores_;
  const Pools& pools_;
  VolumeLocks& locks_;
};

}  // namespace trivet::csi
