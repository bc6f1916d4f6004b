#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/error.h"
#include "csi/filesystem/mount_table.h"
#include "csi/pool/pools.h"
#include "csi/volume/capacity.h"
#include "csi/volume/stores.h"
#include "csi/volume/tuning.h"
#include "csi/volume/volume_locks.h"

namespace trivet::csi {

struct StageRequest {
  std::string id;
  std::filesystem::path staging_path;
  Capability capability;
  std::string passphrase;  // of an encrypted volume; never logged
};

struct PublishRequest {
  std::string id;
  std::filesystem::path staging_path;
  std::filesystem::path target_path;
  Capability capability;
  bool read_only = false;
};

/// What a volume's user sees of its size. Inodes only of a file system.
struct VolumeStats {
  uint64_t total_bytes = 0;
  std::optional<uint64_t> available_bytes;
  std::optional<uint64_t> used_bytes;
  uint64_t total_inodes = 0;
  uint64_t available_inodes = 0;
  uint64_t used_inodes = 0;
};

/// Stages and publishes volumes on this node. Any thread may call it; of two
/// calls for one volume the second is refused with kAborted. All calls are
/// repeatable, and believe the kernel's mount table over any record.
class NodeVolumes {
 public:
  /// Borrowed: all four outlive it and are shared with the controller's half.
  NodeVolumes(Stores& stores, const Pools& pools, VolumeLocks& locks, const Tuning& tuning)
      : records_(stores.volumes),
        attachments_(stores.attachments),
        pools_(pools),
        locks_(locks),
        tuning_(tuning) {}

  /// A mount volume is formatted on its first stage ever and mounted at the staging
  /// path; a block volume gets its device. Errors: kNotFound; kAlreadyExists when
  /// it is staged there otherwise; kFailedPrecondition when it is staged elsewhere,
  /// cannot be used so, or its content is not what the record says.
  Result<> Stage(const StageRequest& request);
  Result<> Unstage(const std::string& id, const std::filesystem::path& staging_path);

  /// Makes the volume visible at the target path, which is created.
  /// Errors: kFailedPrecondition when it is not staged at the staging path.
  Result<> Publish(const PublishRequest& request);
  /// Unmounts the target path and removes it.
  Result<> Unpublish(const std::string& id, const std::filesystem::path& target_path);

  /// Errors: kNotFound when the volume is not at `volume_path`.
  Result<VolumeStats> Stats(const std::string& id, const std::filesystem::path& volume_path);

  /// Makes device and file system as large as the volume is now; returns its size.
  /// Errors: kNotFound when it is not at `volume_path`; kOutOfRange when the volume
  /// itself is smaller than required.
  Result<uint64_t> Grow(const std::string& id, const std::filesystem::path& volume_path,
                        const CapacityRange& range);

  /// Forgets attachments that are not mounted (any more), releases devices that
  /// nothing uses and thaws what a crash left frozen. Call it once, before serving.
  void Reconcile();

 private:
  /// Where a volume was found, for the calls that look at it there.
  struct Place {
    VolumeRecord record;
    DeviceName device;
    std::filesystem::path path;
    bool is_mount = false;  // its file system, else its device node
  };

  Result<VolumeRecord> FindUsable(const std::string& id, const Capability& capability) const;
  Result<Pool*> PoolHolding(const std::string& id) const;
  Result<Place> Locate(const std::string& id, const std::filesystem::path& volume_path) const;
  Result<> StageMount(Pool& pool, VolumeRecord& record, const StageRequest& request);
  Result<> StageBlock(Pool& pool, VolumeRecord& record, const StageRequest& request,
                      const Use& use);
  Result<BlockDevice> MakeShown(Pool& pool, VolumeRecord& record, const StageRequest& request,
                                const AttachOptions& options);
  Result<BlockDevice> OpenEncrypted(Pool& pool, VolumeRecord& record, const StageRequest& request,
                                    const AttachOptions& options);
  Result<> EnsureContainer(VolumeRecord& record, const BlockDevice& device,
                           const std::string& passphrase);
  Result<> FinishContainer(VolumeRecord& record, const BlockDevice& mapping, bool read_only);
  Result<> EnsureFormatted(VolumeRecord& record, const BlockDevice& device);
  Result<> ReleaseDevice(Pool& pool, const std::string& id, BlockDevice device) const;
  void ReleaseUnstaged(Pool& pool, const std::string& id) const;
  Result<> BindToTarget(const DeviceName& device, const PublishRequest& request, const Use& use);
  Result<> ReconcileOne(Pool& pool, const std::string& id);

  VolumeStore& records_;
  AttachmentStore& attachments_;
  const Pools& pools_;
  VolumeLocks& locks_;
  const Tuning& tuning_;
};

}  // namespace trivet::csi
