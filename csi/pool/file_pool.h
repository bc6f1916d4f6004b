#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "csi/config.h"
#include "csi/filesystem/write_order.h"
#include "csi/pool/ledger_pool.h"

namespace trivet::csi {

/// A pool that is a folder: a volume is the file <id>.img, shown by a loop device.
/// A thick volume's blocks are allocated at creation, a thin one's as it is
/// written; both are fully reserved, so neither can meet a full pool later. A
/// snapshot is such a file, too, which shares its blocks with its source.
class FilePool final : public LedgerPool {
 public:
  /// Makes the folder when it is absent. Errors: the folder cannot be used.
  static Result<std::unique_ptr<FilePool>> Open(const PoolConfig& config);

  [[nodiscard]] const std::string& name() const override { return config_.name; }
  /// The file system the folder is on: two pools must not share one, since each
  /// would promise the same free space.
  [[nodiscard]] dev_t file_system() const { return file_system_; }
  [[nodiscard]] std::optional<Provisioning> only_provisioning() const override { return {}; }
  [[nodiscard]] bool KeepsOrderWith(dev_t file_system) const override {
    return keeps_order_ && file_system == file_system_;
  }

  Result<> Allocate(const VolumeRecord& record) override;
  [[nodiscard]] bool can_copy() const override { return can_copy_; }
  Result<> Copy(const std::string& source, const std::string& id, Sync when) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& id) const override;
  Result<std::optional<UniqueFd>> OpenBytes(const std::string& id) const override;
  Result<std::vector<Extent>> Written(const std::string& id) const override;
  Result<> Remove(const std::string& id) override;
  Result<std::vector<std::string>> List() const override;
  Result<std::vector<std::string>> ListAttached() const override;

  Result<std::optional<BlockDevice>> FindDevice(const std::string& id) const override;
  Result<std::optional<DeviceName>> SeeDevice(const std::string& id) const override;
  Result<BlockDevice> Attach(const std::string& id, const AttachOptions& options) override;
  Result<> Detach(const std::string& id, BlockDevice device) override;
  Result<> Refresh(const BlockDevice& device) override;

 private:
  FilePool(PoolConfig config, dev_t file_system, bool can_copy)
      : config_(std::move(config)),
        file_system_(file_system),
        keeps_order_(KeepsOrder(config_.path)),
        can_copy_(can_copy) {}
  [[nodiscard]] std::filesystem::path ImageOf(const std::string& id) const;
  Result<> AllocateNew(const VolumeRecord& record) const;
  Result<Space> MeasureStorage() const override;
  [[nodiscard]] Result<> CheckCopy(const std::string& source) const override;
  [[nodiscard]] uint64_t OwnBytes(const std::string& id, bool may_share) const override;

  const PoolConfig config_;
  const dev_t file_system_;
  const bool keeps_order_;
  const bool can_copy_;
  mutable loop::Finder loops_;
};

}  // namespace trivet::csi
