#pragma once

#include <list>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/pools.h"
#include "csi/volume/still_volume.h"
#include "csi/volume/stores.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// What CreateVolumeGroupSnapshot asks for.
struct GroupRequest {
  std::string name;
  std::vector<std::string> volume_ids;
};

/// A group snapshot with its members.
struct GroupAnswer {
  GroupRecord group;
  std::vector<SnapshotRecord> members;
};

/// Cuts several volumes at one moment: all are held still before the first is copied. All or
/// nothing, also over a crash. Any thread may call it; of two calls for one group or volume the
/// second is refused with kAborted. All calls are repeatable.
class Groups {
 public:
  /// Borrowed: all three outlive it.
  Groups(Stores& stores, const Pools& pools, VolumeLocks& locks)
      : stores_(stores), pools_(pools), locks_(locks) {}

  /// Errors: kNotFound for a volume; kAlreadyExists when the name is a group of other volumes;
  /// kFailedPrecondition when a volume's pool cannot share blocks; kResourceExhausted.
  Result<GroupAnswer> Create(const GroupRequest& request);

  /// Removes the group and its members; unknown is success. `snapshot_ids` may be empty.
  /// Errors: kInvalidArgument when they are not its members.
  Result<> Delete(const std::string& id, const std::vector<std::string>& snapshot_ids);

  /// Errors: kNotFound; kInvalidArgument when `snapshot_ids`, unless empty, are not its members.
  Result<GroupAnswer> Find(const std::string& id,
                           const std::vector<std::string>& snapshot_ids) const;

  /// Finishes or removes what a crash interrupted. Call it once, before serving and before the
  /// snapshots are reconciled.
  void Reconcile();

 private:
  using Guards = std::list<VolumeLocks::Guard>;

  Result<GroupAnswer> AnswerExisting(GroupRecord group, const GroupRequest& request);
  Result<Guards> LockAll(const std::vector<std::string>& ids) const;
  Result<std::vector<SnapshotRecord>> Describe(const GroupRecord& group) const;
  Result<> Cut(GroupRecord& group, std::vector<SnapshotRecord>& members);
  Result<> Prepare(std::vector<SnapshotRecord>& members);
  Result<> CopyAll(GroupRecord& group, std::vector<SnapshotRecord>& members);
  Result<> Publish(const GroupRecord& group, std::vector<SnapshotRecord>& members);
  Result<std::vector<SnapshotRecord>> MembersOf(const GroupRecord& group) const;
  Result<> RemoveAll(const GroupRecord& group);
  Result<> ReconcileOne(const GroupRecord& group);

  Stores& stores_;
  const Pools& pools_;
  VolumeLocks& locks_;
};

}  // namespace trivet::csi
