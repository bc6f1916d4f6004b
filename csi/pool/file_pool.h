#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "csi/config.h"
#include "csi/pool/ledger.h"
#include "csi/pool/pool.h"

namespace trivet::csi {

/// A pool that is a folder: a volume is the file <id>.img, shown by a loop device.
/// A thick volume's blocks are allocated at creation, a thin one's as it is
/// written; both are fully reserved, so neither can meet a full pool later. A
/// snapshot is such a file, too, which shares its blocks with its source.
class FilePool final : public Pool {
 public:
  /// Makes the folder when it is absent. Errors: the folder cannot be used.
  static Result<std::unique_ptr<FilePool>> Open(const PoolConfig& config);

  [[nodiscard]] const std::string& name() const override { return config_.name; }
  /// The file system the folder is on: two pools must not share one, since each
  /// would promise the same free space.
  [[nodiscard]] dev_t file_system() const { return file_system_; }

  Result<uint64_t> Available() const override;
  Result<Space> Measure() const override;
  Result<> Reserve(const std::string& id, uint64_t size_bytes) override;
  Result<> ReserveCopy(const std::string& source, const std::string& id,
                       const Promise& promise) override;
  void Adopt(const std::string& id, const Promise& promise) override;
  void Release(const std::string& id) override;

  Result<> Allocate(const VolumeRecord& record) override;
  [[nodiscard]] bool can_copy() const override { return can_copy_; }
  Result<> Copy(const std::string& source, const std::string& id) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& id) const override;
  Result<UniqueFd> OpenBytes(const std::string& id) const override;
  Result<std::vector<Extent>> Written(const std::string& id) const override;
  Result<> Remove(const std::string& id) override;
  Result<std::vector<std::string>> List() const override;

  Result<std::optional<BlockDevice>> FindDevice(const std::string& id) const override;
  Result<BlockDevice> Attach(const std::string& id, const AttachOptions& options) override;
  Result<> Detach(const BlockDevice& device) override;
  Result<> Refresh(const BlockDevice& device) override;

 private:
  FilePool(PoolConfig config, dev_t file_system, bool can_copy)
      : config_(std::move(config)), file_system_(file_system), can_copy_(can_copy) {}
  [[nodiscard]] std::filesystem::path ImageOf(const std::string& id) const;
  [[nodiscard]] Result<> CheckStall(const std::string& source) const;
  Result<Space> MeasureWithout(const std::string& id) const;  // mutex_ is held
  [[nodiscard]] uint64_t UnwrittenBytes(const std::string& id, const Promise& promise) const;

  const PoolConfig config_;
  const dev_t file_system_;
  const bool can_copy_;
  mutable loop::Finder loops_;
  mutable std::mutex mutex_;
  std::map<std::string, Promise> promises_;     // guarded by mutex_
  std::map<std::string, std::string> copying_;  // guarded by mutex_; copy being made -> source
};

}  // namespace trivet::csi
