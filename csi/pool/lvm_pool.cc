#include "csi/pool/lvm_pool.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "csi/pool/block_device.h"
#include "csi/pool/thin_metadata.h"
#include "csi/pool/wipe.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

constexpr const char* kOurs = "trivet";
constexpr const char* kNew = "trivet.new";  // what was in its extents before may still be there

std::string Bytes(uint64_t bytes) {
  return fmt::format("{}b", bytes);
}

Result<> CheckThinPool(const lvm::Report& report, const PoolConfig& config) {
  const auto found = report.volumes.find(config.thin_pool);
  if (found == report.volumes.end()) {
    return Fail(Code::kNotFound, "volume group {} has no {}", config.volume_group,
                config.thin_pool);
  }
  if (!found->second.is_thin_pool) {
    return Fail(Code::kFailedPrecondition, "{}/{}: not a thin pool", config.volume_group,
                config.thin_pool);
  }
  if (found->second.zeroes) return {};
  return Fail(Code::kFailedPrecondition,
              "{0}/{1}: it does not zero its blocks, and one volume could read another's: "
              "lvchange --zero y {0}/{1}",
              config.volume_group, config.thin_pool);
}

}  // namespace

Result<std::unique_ptr<LvmPool>> LvmPool::Open(const PoolConfig& config) {
  const std::string step = fmt::format("pool {}", config.name);
  ASSIGN_OR_RETURN(auto lvm, lvm::Program::Find(config.program, config.volume_group), step);
  ASSIGN_OR_RETURN(const auto report, lvm->Look(), step);
  if (!config.thin_pool.empty()) {
    RETURN_IF_ERROR(CheckThinPool(*report, config), step);
  }
  return std::unique_ptr<LvmPool>(
      new LvmPool(config, std::move(lvm), std::max(report->group.extent_bytes, kSectorBytes)));
}

bool LvmPool::IsOurs(const lvm::LogicalVolume& volume) const {
  return volume.has_tag(kOurs) && volume.thin_pool == config_.thin_pool &&
         (IsVolumeId(volume.name) || IsSnapshotId(volume.name));
}

Result<std::optional<lvm::LogicalVolume>> LvmPool::Find(const std::string& id) const {
  ASSIGN_OR_RETURN(const auto report, lvm_->Look(), "pool " + name());
  const auto found = report->volumes.find(id);
  if (found == report->volumes.end() || !IsOurs(found->second)) return std::nullopt;
  return std::optional(found->second);
}

Result<Space> LvmPool::MeasureStorage() const {
  ASSIGN_OR_RETURN(const auto report, lvm_->Look(), "pool " + name());
  if (is_thin()) return MeasureThin(*report);
  return Space{.free_bytes = report->group.free_bytes,
               .limit_bytes = config_.limit_bytes,
               .headroom_bytes = config_.headroom_bytes,
               .total_bytes = report->group.size_bytes};
}

// Which blocks two thin volumes share is not known without reading all of the pool's metadata: so
// each volume and snapshot counts in full, and what others have in the pool, too.
Space LvmPool::MeasureThin(const lvm::Report& report) const {
  constexpr double kFullPercent = 95;  // of data or metadata: lvm2's own warning comes at 80
  Space space{.limit_bytes = config_.limit_bytes};
  const auto pool = report.volumes.find(config_.thin_pool);
  if (pool == report.volumes.end()) {
    space.note = fmt::format("thin pool {} is gone", config_.thin_pool);
    return space;
  }
  space.total_bytes = pool->second.size_bytes;
  space.free_bytes = space.total_bytes;
  for (const auto& [name, volume] : report.volumes) {
    if (volume.thin_pool != config_.thin_pool || IsOurs(volume)) continue;
    space.free_bytes -= std::min(space.free_bytes, volume.size_bytes);
  }
  space.headroom_bytes =
      config_.headroom_bytes != 0 ? config_.headroom_bytes : space.total_bytes / 100;
  if (config_.overcommit_ratio > 1) {
    const double beyond = static_cast<double>(space.total_bytes) * (config_.overcommit_ratio - 1);
    space.overcommit_bytes = static_cast<uint64_t>(beyond);
    space.largest_bytes = space.total_bytes - std::min(space.total_bytes, space.headroom_bytes);
  }
  const auto full = [&](std::string_view what, std::optional<double> percent) {
    if (percent.value_or(0) < kFullPercent) return;
    space.largest_bytes = 0;
    space.note = fmt::format("{} of thin pool {} is {} % full", what, config_.thin_pool, *percent);
  };
  full("data", pool->second.data_percent);
  full("metadata", pool->second.metadata_percent);
  return space;
}

uint64_t LvmPool::OwnBytes(const std::string& id, bool /*may_share*/) const {
  if (is_thin()) return 0;  // nothing of it is taken from what MeasureThin calls free
  const auto volume = Find(id);
  return volume && *volume ? (*volume)->size_bytes : 0;
}

Result<> LvmPool::Allocate(const VolumeRecord& record) {
  const std::string& id = record.id;
  ASSIGN_OR_RETURN(const auto volume, Find(id));
  if (!volume) {
    return is_thin() ? CreateThin(id, record.size_bytes) : CreateThick(id, record.size_bytes);
  }
  if (volume->has_tag(kNew)) RETURN_IF_ERROR(FinishThick(id));
  if (volume->size_bytes >= record.size_bytes) return {};
  return lvm_->Change({"lvextend", "--size", Bytes(record.size_bytes), lvm_->NameOf(id)});
}

Result<> LvmPool::CreateThin(const std::string& id, uint64_t size_bytes) {
  return lvm_->Change({"lvcreate", "--yes", "--type", "thin", "--virtualsize", Bytes(size_bytes),
                       "--thinpool", config_.thin_pool, "--setactivationskip", "y", "--addtag",
                       kOurs, "--name", id, lvm_->group()});
}

// The volume and its tag come with one commit; only without the tag "new" is it one.
Result<> LvmPool::CreateThick(const std::string& id, uint64_t size_bytes) {
  RETURN_IF_ERROR(
      lvm_->Change({"lvcreate", "--yes", "--type", "linear", "--size", Bytes(size_bytes), "--zero",
                    "n", "--wipesignatures", "n", "--setactivationskip", "y", "--addtag", kOurs,
                    "--addtag", kNew, "--name", id, lvm_->group()}));
  return FinishThick(id);
}

Result<> LvmPool::FinishThick(const std::string& id) {
  {
    ASSIGN_OR_RETURN(const BlockDevice device, Activate(id, O_RDWR));
    RETURN_IF_ERROR(WipeStart(device.fd.get()));
  }
  RETURN_IF_ERROR(Deactivate(id));
  return lvm_->Change({"lvchange", "--deltag", kNew, lvm_->NameOf(id)});
}

Result<> LvmPool::Copy(const std::string& source, const std::string& id, Sync /*when*/) {
  if (!is_thin()) {
    return Fail(Code::kUnimplemented,
                "pool {}: thick logical volumes cannot share blocks (those of a thin pool can)",
                name());
  }
  ASSIGN_OR_RETURN(const auto present, Find(id));
  const auto copied =
      present ? Result<>{}
              : lvm_->Change({"lvcreate", "--yes", "--snapshot", "--setactivationskip", "y",
                              "--addtag", kOurs, "--name", id, lvm_->NameOf(source)});
  EndCopy(source, id);
  return copied;
}

Result<std::optional<uint64_t>> LvmPool::SizeOf(const std::string& id) const {
  ASSIGN_OR_RETURN(const auto volume, Find(id));
  if (!volume || volume->has_tag(kNew)) return std::nullopt;
  return std::optional(volume->size_bytes);
}

Result<std::optional<UniqueFd>> LvmPool::OpenBytes(const std::string& id) const {
  ASSIGN_OR_RETURN(auto device, FindDevice(id));
  if (!device) return std::nullopt;
  return std::optional(std::move(device->fd));
}

Result<std::vector<Extent>> LvmPool::Written(const std::string& id) const {
  const std::string step = fmt::format("pool {}", name());
  if (!is_thin()) {
    return Fail(Code::kUnimplemented, "{}: thick logical volumes have no map of blocks", step);
  }
  ASSIGN_OR_RETURN(const auto volume, Find(id));
  if (!volume || !volume->thin_id) return Fail(Code::kNotFound, "{}: {} is not in it", step, id);
  const std::lock_guard lock(metadata_mutex_);
  RETURN_IF_ERROR(lvm_->Change({"lvchange", "--activate", "y", lvm_->NameOf(config_.thin_pool)}),
                  step);
  // One that a killed process has left would be in the way.
  const std::filesystem::path pool = lvm_->DeviceOf(config_.thin_pool);
  if (!std::exchange(metadata_is_ours_, true)) thin_metadata::Release(pool);
  ASSIGN_OR_RETURN(std::vector<Extent> extents, thin_metadata::Read(pool, *volume->thin_id), step);
  return extents;
}

Result<> LvmPool::Remove(const std::string& id) {
  ASSIGN_OR_RETURN(const auto volume, Find(id));
  if (!volume) return {};
  if (!is_thin() && !volume->has_tag(kNew)) RETURN_IF_ERROR(WipeAll(id));
  return lvm_->Change({"lvremove", "--yes", lvm_->NameOf(id)});
}

Result<> LvmPool::WipeAll(const std::string& id) {
  {
    ASSIGN_OR_RETURN(const BlockDevice device, Activate(id, O_RDWR));
    RETURN_IF_ERROR(WipeDevice(device.fd.get(), config_.wipe));
  }
  return Deactivate(id);
}

Result<std::vector<std::string>> LvmPool::List() const {
  ASSIGN_OR_RETURN(const auto report, lvm_->Look(), "pool " + name());
  std::vector<std::string> ids;
  for (const auto& [name, volume] : report->volumes) {
    if (IsOurs(volume)) ids.push_back(name);
  }
  return ids;
}

Result<std::optional<BlockDevice>> LvmPool::FindDevice(const std::string& id) const {
  auto device = OpenBlockDevice(lvm_->DeviceOf(id), O_RDONLY);
  if (device) return std::optional(std::move(*device));
  if (device.error().code() == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(device).error());
}

Result<BlockDevice> LvmPool::Attach(const std::string& id, const AttachOptions& options) {
  ASSIGN_OR_RETURN(BlockDevice device, Activate(id, O_RDONLY));
  RETURN_IF_ERROR(SetReadOnly(device, options.read_only));
  return device;
}

Result<> LvmPool::Detach(const std::string& id, BlockDevice device) {
  device.fd = UniqueFd();
  return Deactivate(id);
}

Result<BlockDevice> LvmPool::Activate(const std::string& id, int access) {
  RETURN_IF_ERROR(lvm_->Change(
      {"lvchange", "--yes", "--activate", "y", "--ignoreactivationskip", lvm_->NameOf(id)}));
  return OpenBlockDevice(lvm_->DeviceOf(id), access);
}

Result<> LvmPool::Deactivate(const std::string& id) {
  return lvm_->Change({"lvchange", "--activate", "n", lvm_->NameOf(id)});
}

}  // namespace trivet::csi
