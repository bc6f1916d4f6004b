#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/pool/pools.h"
#include "csi/volume/capability.h"
#include "csi/volume/capacity.h"
#include "csi/volume/record.h"
#include "csi/volume/stores.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

/// The StorageClass parameters, checked.
struct Parameters {
  std::string pool;                          // "" = the first configured one
  std::optional<Provisioning> provisioning;  // none: as the pool does, thick where it does both
  std::optional<FileSystem> file_system;     // when a capability names none
  std::optional<bool> encrypted;             // none: a copy is as its source, otherwise not
};

/// What CreateVolume asks for.
struct CreateRequest {
  std::string name;
  CapacityRange capacity;
  Usage usage;
  bool file_system_given = false;  // else a copy has its source's
  Parameters parameters;
  std::optional<ContentSource> source;
  MutableParameters tuning;
  std::string inline_target;  // of a pod's own volume; else empty
};

/// A page of the volumes, in the order of their ids.
struct VolumePage {
  std::vector<VolumeRecord> volumes;
  std::string next_id;  // where the next page starts; empty on the last one
};

/// Creates, grows and deletes volumes. Any thread may call it; of two calls for
/// one volume the second is refused with kAborted. All calls are repeatable, also
/// after a crash: the record is written before the act.
class Provisioner {
 public:
  /// Borrowed: all three outlive it and are shared with the node's half.
  Provisioner(Stores& stores, const Pools& pools, VolumeLocks& locks)
      : stores_(stores), records_(stores.volumes), pools_(pools), locks_(locks) {}

  /// With a source the volume starts with its bytes, sharing its blocks, and is at
  /// least as large. Errors: kAlreadyExists when the name is taken by a volume this
  /// request does not describe; kResourceExhausted when the pool has no room;
  /// kOutOfRange; kNotFound for the source; kInvalidArgument when the source's
  /// content cannot be used as asked, or is in another pool.
  Result<VolumeRecord> Create(const CreateRequest& request);

  /// Unknown is success. Errors: kFailedPrecondition while a device shows it.
  Result<> Delete(const std::string& id);

  /// Makes the volume at least as large as required. Returns its record, and
  /// leaves device and file system to the node. Errors: kNotFound, kOutOfRange,
  /// kResourceExhausted (and the size is what it was).
  Result<VolumeRecord> Grow(const std::string& id, const CapacityRange& range);

  /// Errors: kNotFound; also for a volume whose deletion has begun.
  Result<VolumeRecord> Find(const std::string& id) const;

  /// As Find; a volume that is being made or deleted is kAborted, so that kNotFound means that
  /// there is none and none is on its way.
  Result<VolumeRecord> FindSettled(const std::string& id) const;

  /// At most `count` volumes (0 = all) whose id is not below `first_id`; not those of pods.
  VolumePage List(const std::string& first_id, size_t count) const;

  /// The largest volume that Create would make with these parameters.
  Result<uint64_t> Available(const Parameters& parameters) const;

  /// Carries on what a crash interrupted: deletions, images not yet made or not
  /// yet grown. Logs what it cannot repair; call it once, before serving.
  void Reconcile();

 private:
  Result<VolumeRecord> CreateNew(const CreateRequest& request, const std::string& id);
  Result<VolumeRecord> FinishExisting(VolumeRecord record, const CreateRequest& request);
  Result<VolumeRecord> CreateCopy(const CreateRequest& request, const std::string& id);
  Result<> Make(VolumeRecord& record);
  Result<> Fill(VolumeRecord& record);
  Result<> Complete(VolumeRecord& record);
  Result<> EnsureAllocated(const VolumeRecord& record);
  Result<> RemoveAll(const VolumeRecord& record);
  Result<> ReconcileOne(VolumeRecord record);
  void AdoptPromises(const std::vector<VolumeRecord>& all) const;

  Stores& stores_;
  VolumeStore& records_;
  const Pools& pools_;
  VolumeLocks& locks_;
};

/// What a new volume of the pool is to have. Errors: kInvalidArgument naming the parameter.
Result<Provisioning> ChooseProvisioning(const Pool& pool, std::optional<Provisioning> asked);

/// Why the volume of that name does not answer the request; nothing when it does.
std::optional<std::string> Difference(const VolumeRecord& record, const CreateRequest& request,
                                      const std::string& pool);

}  // namespace trivet::csi
