#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/pools.h"
#include "csi/volume/stores.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// What CreateSnapshot asks for.
struct SnapshotRequest {
  std::string name;
  std::string volume_id;
};

/// What ListSnapshots asks for; empty = any.
struct SnapshotFilter {
  std::string id;
  std::string volume_id;
};

/// A page of the snapshots, in the order of their ids.
struct SnapshotPage {
  std::vector<SnapshotRecord> snapshots;
  std::string next_id;  // where the next page starts; empty on the last one
};

/// Cuts and deletes snapshots. They share their volume's blocks and outlive it.
/// Any thread may call it; of two calls for one snapshot or volume the second is
/// refused with kAborted. All calls are repeatable, also after a crash.
class Snapshots {
 public:
  /// Borrowed: all three outlive it.
  Snapshots(Stores& stores, const Pools& pools, VolumeLocks& locks)
      : stores_(stores), pools_(pools), locks_(locks) {}

  /// Holds the volume still, copies it, and lets it go on. Errors: kNotFound for
  /// the volume; kAlreadyExists when the name is another volume's snapshot;
  /// kUnimplemented when the volume's pool cannot share blocks;
  /// kResourceExhausted when the pool could not keep both written in full.
  Result<SnapshotRecord> Create(const SnapshotRequest& request);

  /// Unknown is success. Errors: kInvalidArgument for a member of a group.
  Result<> Delete(const std::string& id);

  /// Errors: kNotFound; also for a snapshot whose deletion has begun.
  Result<SnapshotRecord> Find(const std::string& id) const;

  /// At most `count` snapshots (0 = all) whose id is not below `first_id`.
  SnapshotPage List(const SnapshotFilter& filter, const std::string& first_id, size_t count) const;

  /// Removes what a crash left without a cut or half deleted. Logs what it cannot;
  /// call it once, before serving, after the volumes' promises are made.
  void Reconcile();

 private:
  Result<> Cut(SnapshotRecord& record);
  Result<> RemoveAll(const SnapshotRecord& record);
  Result<> ReconcileOne(const SnapshotRecord& record);

  Stores& stores_;
  const Pools& pools_;
  VolumeLocks& locks_;
};

/// The record of a snapshot of the volume as it is now, not cut yet; the caller holds its lock.
/// Errors: kNotFound; kAborted while the volume is being made or deleted.
Result<SnapshotRecord> DescribeSnapshot(const VolumeStore& volumes, const std::string& name,
                                        const std::string& volume_id);

/// What a snapshot needs of its pool.
Promise PromiseOf(const SnapshotRecord& record);

/// Nanoseconds since 1970.
int64_t NowUnixNanos();

}  // namespace trivet::csi
