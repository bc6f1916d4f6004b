#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "csi/config.h"
#include "csi/pool/ledger_pool.h"
#include "csi/pool/lvm_program.h"

namespace trivet::csi {

/// A pool that is a volume group: a volume is the logical volume of its id, with the tag "trivet".
/// Either all are thick, or all are in one thin pool; then there are snapshots and copies.
///
/// Between staging and unstaging a volume is active, otherwise not, also after a reboot: its
/// "activation skip" is set. What lvm is asked is never asked when a volume is published.
class LvmPool final : public LedgerPool {
 public:
  /// Errors: kUnavailable without lvm; kNotFound for the group or the thin pool;
  /// kFailedPrecondition for a thin pool that does not zero.
  static Result<std::unique_ptr<LvmPool>> Open(const PoolConfig& config);

  [[nodiscard]] const std::string& name() const override { return config_.name; }
  [[nodiscard]] std::optional<Provisioning> only_provisioning() const override {
    return is_thin() ? Provisioning::kThin : Provisioning::kThick;
  }
  [[nodiscard]] bool wipes() const override { return !is_thin(); }
  [[nodiscard]] uint64_t unit_bytes() const override { return extent_bytes_; }

  Result<> Allocate(const VolumeRecord& record) override;
  [[nodiscard]] bool can_copy() const override { return is_thin(); }
  Result<> Copy(const std::string& source, const std::string& id, Sync when) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& id) const override;
  Result<std::optional<UniqueFd>> OpenBytes(const std::string& id) const override;
  Result<std::vector<Extent>> Written(const std::string& id) const override;
  Result<> Remove(const std::string& id) override;
  Result<std::vector<std::string>> List() const override;

  Result<std::optional<BlockDevice>> FindDevice(const std::string& id) const override;
  Result<BlockDevice> Attach(const std::string& id, const AttachOptions& options) override;
  Result<> Detach(const std::string& id, BlockDevice device) override;
  Result<> Refresh(const BlockDevice& /*device*/) override { return {}; }  // lvextend does

 private:
  LvmPool(PoolConfig config, std::unique_ptr<lvm::Program> lvm, uint64_t extent_bytes)
      : config_(std::move(config)), lvm_(std::move(lvm)), extent_bytes_(extent_bytes) {}
  [[nodiscard]] bool is_thin() const { return !config_.thin_pool.empty(); }

  Result<Space> MeasureStorage() const override;
  [[nodiscard]] uint64_t OwnBytes(const std::string& id, bool may_share) const override;
  [[nodiscard]] bool counts_snapshots_in_full() const override { return true; }
  [[nodiscard]] Space MeasureThin(const lvm::Report& report) const;
  [[nodiscard]] bool IsOurs(const lvm::LogicalVolume& volume) const;
  /// The logical volume of this id; none when there is none, or none of ours.
  Result<std::optional<lvm::LogicalVolume>> Find(const std::string& id) const;
  Result<> CreateThick(const std::string& id, uint64_t size_bytes);
  Result<> CreateThin(const std::string& id, uint64_t size_bytes);
  Result<> FinishThick(const std::string& id);
  Result<> WipeAll(const std::string& id);
  Result<BlockDevice> Activate(const std::string& id, int access);
  Result<> Deactivate(const std::string& id);

  const PoolConfig config_;
  const std::unique_ptr<lvm::Program> lvm_;
  const uint64_t extent_bytes_;
  mutable std::mutex metadata_mutex_;      // a thin pool has one metadata snapshot at a time
  mutable bool metadata_is_ours_ = false;  // guarded by metadata_mutex_
};

}  // namespace trivet::csi
