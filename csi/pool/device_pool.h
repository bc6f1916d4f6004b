#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "csi/config.h"
#include "csi/pool/pool.h"
#include "csi/pool/whole_device.h"
#include "csi/volume/record_store.h"

namespace trivet::csi {

/// A pool of whole devices: a volume has the smallest one that is large enough, for itself. It
/// cannot grow, nor be copied. A device is taken only when nobody uses it and nothing is on it;
/// when its volume is deleted it is wiped, and is free again. One that is not there then keeps its
/// claim, marked as deleting: should it come back, it is not given to anybody.
class DevicePool final : public Pool {
 public:
  /// `folder` is where it writes down who has which device; pools may share it.
  static Result<std::unique_ptr<DevicePool>> Open(const PoolConfig& config,
                                                  const std::filesystem::path& folder);

  [[nodiscard]] const std::string& name() const override { return config_.name; }
  /// All that the configuration names, whoever has them.
  [[nodiscard]] std::vector<WholeDevice> Devices() const {
    return FindWholeDevices(config_.devices);
  }
  [[nodiscard]] std::optional<Provisioning> only_provisioning() const override {
    return Provisioning::kThick;
  }
  [[nodiscard]] bool wipes() const override { return true; }
  [[nodiscard]] bool can_grow() const override { return false; }
  [[nodiscard]] Result<uint64_t> SizeFor(const CapacityRange& range,
                                         const Usage& usage) const override;

  Result<uint64_t> Available() const override;
  Result<Space> Measure() const override;
  Result<> Reserve(const std::string& id, uint64_t size_bytes) override;
  Result<> ReserveCopy(const std::string& source, const std::string& id,
                       const Promise& promise) override;
  void Adopt(const std::string& /*id*/, const Promise& /*promise*/) override {}  // it has its claim
  void Release(const std::string& id) override;

  Result<> Allocate(const VolumeRecord& record) override;
  [[nodiscard]] bool can_copy() const override { return false; }
  Result<> Copy(const std::string& source, const std::string& id, Sync when) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& id) const override;
  Result<std::optional<UniqueFd>> OpenBytes(const std::string& id) const override;
  Result<std::vector<Extent>> Written(const std::string& id) const override;
  Result<> Remove(const std::string& id) override;
  Result<std::vector<std::string>> List() const override;

  /// Errors: kUnavailable when its disk is gone; SeeDevice still says which it was.
  Result<std::optional<BlockDevice>> FindDevice(const std::string& id) const override;
  Result<std::optional<DeviceName>> SeeDevice(const std::string& id) const override;
  Result<BlockDevice> Attach(const std::string& id, const AttachOptions& options) override;
  Result<> Detach(const std::string& id, BlockDevice device) override;
  Result<> Refresh(const BlockDevice& /*device*/) override { return {}; }

 private:
  using Claims = RecordStore<DeviceClaim>;
  DevicePool(PoolConfig config, std::filesystem::path folder, Claims claims, std::string boot_id)
      : config_(std::move(config)),
        folder_(std::move(folder)),
        claims_(std::move(claims)),
        boot_id_(std::move(boot_id)) {}
  void LoadAttached();
  [[nodiscard]] std::filesystem::path MarkOf(const std::string& id) const;
  [[nodiscard]] std::vector<WholeDevice> FreeDevices() const;  // mutex_ is held
  [[nodiscard]] uint64_t PromisedBytes() const;                // likewise
  /// Those that are free and within the pool's limit: likewise.
  [[nodiscard]] std::vector<WholeDevice> OfferedDevices() const;
  /// The claim's device, if it is still the one that was taken. Errors: kUnavailable when it is
  /// not there; kFailedPrecondition for another one.
  Result<WholeDevice> DeviceOf(const DeviceClaim& claim) const;
  Result<> GiveUp(DeviceClaim claim, const Error& why);

  const PoolConfig config_;
  const std::filesystem::path folder_;
  Claims claims_;
  const std::string boot_id_;
  mutable std::mutex mutex_;
  std::map<std::string, WholeDevice> reserved_;  // guarded by mutex_; until it has its claim
  std::map<std::string, DeviceName> attached_;   // guarded by mutex_
};

}  // namespace trivet::csi
