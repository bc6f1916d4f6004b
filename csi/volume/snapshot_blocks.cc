#include "csi/volume/snapshot_blocks.h"

namespace trivet::csi {
namespace {

Result<> CheckOffset(const SnapshotRecord& snapshot, uint64_t offset) {
  if (offset <= snapshot.size_bytes) return {};
  return Fail(Code::kOutOfRange, "starting_offset: {} is beyond the end of snapshot {}, {}", offset,
              snapshot.id, snapshot.size_bytes);
}

}  // namespace

Result<SnapshotRecord> SnapshotBlocks::Find(const std::string& id) const {
  ASSIGN_OR_RETURN(SnapshotRecord record, stores_.snapshots.Find(id));
  if (record.cut && !record.deleting && record.encryption.wanted) {
    return Fail(Code::kFailedPrecondition,
                "snapshot {}: it is encrypted, and places in the container are none in the volume",
                id);
  }
  if (record.cut && !record.deleting) return record;
  return Fail(Code::kNotFound, "snapshot {}: is being {}", id, record.cut ? "deleted" : "cut");
}

Result<std::vector<Extent>> SnapshotBlocks::ExtentsOf(const SnapshotRecord& snapshot) const {
  const std::string step = fmt::format("snapshot {}", snapshot.id);
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Named(snapshot.pool), step);
  ASSIGN_OR_RETURN(std::vector<Extent> extents, pool->Written(snapshot.id), step);
  return extents;
}

Result<BlockList> SnapshotBlocks::Allocated(const std::string& id, uint64_t offset) const {
  ASSIGN_OR_RETURN(const SnapshotRecord snapshot, Find(id));
  RETURN_IF_ERROR(CheckOffset(snapshot, offset));
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  ASSIGN_OR_RETURN(const std::vector<Extent> extents, ExtentsOf(snapshot));
  return BlockList{snapshot.size_bytes,
                   From(AllocatedBlocks(extents, snapshot.size_bytes), offset)};
}

Result<BlockList> SnapshotBlocks::Delta(const std::string& base, const std::string& target,
                                        uint64_t offset) const {
  ASSIGN_OR_RETURN(const SnapshotRecord before, Find(base));
  ASSIGN_OR_RETURN(const SnapshotRecord after, Find(target));
  if (before.volume_id != after.volume_id) {
    return Fail(Code::kInvalidArgument, "snapshot {}: is not of the volume of {}", base, target);
  }
  RETURN_IF_ERROR(CheckOffset(after, offset));
  if (base == target) return BlockList{after.size_bytes, {}};
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(base));
  ASSIGN_OR_RETURN(const VolumeLocks::Guard target_guard, locks_.TryLock(target));
  ASSIGN_OR_RETURN(const std::vector<Extent> old_extents, ExtentsOf(before));
  ASSIGN_OR_RETURN(const std::vector<Extent> new_extents, ExtentsOf(after));
  return BlockList{after.size_bytes,
                   From(ChangedBlocks(old_extents, new_extents, after.size_bytes), offset)};
}

}  // namespace trivet::csi
