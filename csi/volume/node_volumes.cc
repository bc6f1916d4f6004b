#include "csi/volume/node_volumes.h"

#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <set>

#include "csi/filesystem/freeze.h"
#include "csi/filesystem/grow.h"
#include "csi/volume/presence.h"
#include "csi/volume/shown_device.h"
#include "csi/volume/target_path.h"

namespace trivet::csi {
namespace {

Result<VolumeStats> FileSystemStats(const std::filesystem::path& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) != 0) return FailErrno("statvfs {}", path.native());
  return VolumeStats{.total_bytes = info.f_blocks * info.f_frsize,
                     .available_bytes = info.f_bavail * info.f_frsize,
                     .used_bytes = (info.f_blocks - info.f_bfree) * info.f_frsize,
                     .total_inodes = info.f_files,
                     .available_inodes = info.f_favail,
                     .used_inodes = info.f_files - info.f_ffree};
}

// Whether a block volume is staged there: nothing is mounted, only the record says so.
bool IsRawStagingPath(const Attachment& attachment, const std::filesystem::path& path) {
  return attachment.staging && attachment.staging->path == path &&
         attachment.staging->use.capability.access_type == AccessType::kBlock;
}

// One of its mounts is enough: they show one file system.
Result<> ThawMounted(const MountTable& table, const BlockDevice& device) {
  for (const MountEntry& entry : table.entries()) {
    if (entry.device == device.number) return Thaw(entry.target);
  }
  return {};
}

}  // namespace

Result<NodeVolumes::Place> NodeVolumes::Locate(const std::string& id,
                                               const std::filesystem::path& volume_path) const {
  ASSIGN_OR_RETURN(const VolumeRecord record, records_.Find(id));
  const auto nowhere = Fail(Code::kNotFound, "volume {}: is not at {}", id, volume_path.native());
  if (!volume_path.is_absolute()) return nowhere;
  const std::filesystem::path path = Resolve(volume_path);
  const std::string step = fmt::format("volume {}", id);
  ASSIGN_OR_RETURN(const Pool* const pool, PoolHolding(id), step);
  ASSIGN_OR_RETURN(auto device, SeeShown(*pool, record), step);
  if (!device) return nowhere;
  if (IsRawStagingPath(attachments_.Of(id), path)) {
    return Place{record, std::move(*device), path, false};
  }
  ASSIGN_OR_RETURN(const Sight sight, LookAt(path, *device), step);
  if (sight != Sight::kTheDevice) return nowhere;
  std::error_code error;
  const bool is_mount = !std::filesystem::is_block_file(path, error);
  return Place{record, std::move(*device), path, is_mount};
}

Result<VolumeStats> NodeVolumes::Stats(const std::string& id,
                                       const std::filesystem::path& volume_path) {
  ASSIGN_OR_RETURN(const Place place, Locate(id, volume_path));
  if (place.is_mount) return FileSystemStats(place.path);
  return VolumeStats{.total_bytes = place.record.size_bytes};
}

Result<uint64_t> NodeVolumes::Grow(const std::string& id, const std::filesystem::path& volume_path,
                                   const CapacityRange& range) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  ASSIGN_OR_RETURN(const Place place, Locate(id, volume_path));
  const std::string step = fmt::format("volume {}: grow", id);
  if (!Satisfies(place.record.size_bytes, range)) {
    return Fail(Code::kOutOfRange, "{}: it has {} bytes; ControllerExpandVolume comes first", step,
                place.record.size_bytes);
  }
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(place.record));
  ASSIGN_OR_RETURN(const auto device, FindShown(*pool, place.record), step);
  if (!device) return Fail(Code::kNotFound, "{}: its device is gone", step);
  RETURN_IF_ERROR(RefreshShown(*pool, place.record, *device), step);
  if (!place.is_mount) return place.record.size_bytes;

  ASSIGN_OR_RETURN(const uint64_t device_bytes, DeviceBytes(*device), step);
  ASSIGN_OR_RETURN(const Superblock superblock, ReadSuperblock(device->fd.get()), step);
  if (IsSmaller(superblock, device_bytes)) {
    RETURN_IF_ERROR(GrowMounted(superblock, place.path, device_bytes), step);
  }
  return place.record.size_bytes;
}

void NodeVolumes::Reconcile() {
  for (const auto& pool : pools_.all()) {
    const auto attached = pool->ListAttached();
    if (!attached) continue;  // reported by the controller's half
    std::set<std::string> ids(attached->begin(), attached->end());
    for (const std::string& id : attachments_.Ids()) {  // also of what is attached no more
      if (pool->SizeOf(id).value_or(std::nullopt)) ids.insert(id);
    }
    for (const std::string& id : ids) {
      if (auto done = ReconcileOne(*pool, id); !done) {
        spdlog::error("not reconciled volume={} reason=\"{}\"", id, done.error().message());
      }
    }
  }
}

Result<> NodeVolumes::ReconcileOne(Pool& pool, const std::string& id) {
  Attachment attachment = attachments_.Of(id);
  const Attachment before = attachment;
  ASSIGN_OR_RETURN(auto device, FindShown(pool, id));
  if (!device) return attachments_.Put(id, Attachment{});

  ASSIGN_OR_RETURN(const MountTable table, MountTable::Read());
  if (attachment.frozen) {
    RETURN_IF_ERROR(ThawMounted(table, *device));
    attachment.frozen = false;
  }
  std::erase_if(attachment.publications,
                [&](const auto& publication) { return !IsAt(table, publication.first, *device); });
  const bool raw = attachment.staging && IsRawStagingPath(attachment, attachment.staging->path);
  if (attachment.staging && !raw && !IsAt(table, attachment.staging->path, *device)) {
    attachment.staging.reset();
  }
  if (attachment.empty() && !IsAnywhere(table, *device)) {
    spdlog::warn("releasing device={} volume={}", device->path.native(), id);
    RETURN_IF_ERROR(ReleaseDevice(pool, id, std::move(*device)));
  }
  return attachment == before ? Result<>{} : attachments_.Put(id, attachment);
}

}  // namespace trivet::csi
