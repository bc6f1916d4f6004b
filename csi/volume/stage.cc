// Staging: the half of NodeVolumes that makes a volume's device and file system.

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mount.h>

#include "common/linux/mount.h"
#include "csi/filesystem/grow.h"
#include "csi/filesystem/mkfs.h"
#include "csi/filesystem/mount_flags.h"
#include "csi/filesystem/trim.h"
#include "csi/pool/block_device.h"
#include "csi/pool/crypt_device.h"
#include "csi/pool/wipe.h"
#include "csi/volume/kernel_step.h"
#include "csi/volume/node_volumes.h"
#include "csi/volume/presence.h"
#include "csi/volume/shown_device.h"
#include "csi/volume/target_path.h"

namespace trivet::csi {
namespace {

enum class Staged { kNowhere, kHere, kElsewhere };

// What the kernel says about an attachment that claims a staging.
Staged WhereStaged(const Attachment& attachment, const std::filesystem::path& path,
                   const MountTable& table, const std::optional<BlockDevice>& device) {
  if (!device || !attachment.staging) return Staged::kNowhere;
  const Staging& staging = *attachment.staging;
  const bool real = staging.use.capability.access_type == AccessType::kBlock ||
                    IsAt(table, staging.path, *device);
  if (!real) return Staged::kNowhere;
  return staging.path == path ? Staged::kHere : Staged::kElsewhere;
}

Result<> CheckBytes(const Pool& pool, const VolumeRecord& record) {
  ASSIGN_OR_RETURN(const auto size_bytes, pool.SizeOf(record.id));
  if (size_bytes && *size_bytes >= record.size_bytes) return {};
  return Fail(Code::kDataLoss, "pool {} has {} of its {} bytes", pool.name(),
              size_bytes.value_or(0), record.size_bytes);
}

Result<> CheckStagingFolder(const MountTable& table, const std::filesystem::path& path,
                            const std::optional<BlockDevice>& device) {
  const MountEntry* entry = table.At(path);
  if (entry != nullptr && !(device && Shows(*entry, *device))) {
    return Fail(Code::kFailedPrecondition, "a foreign {} is mounted at {}", entry->type,
                path.native());
  }
  std::error_code error;
  if (entry == nullptr && !std::filesystem::is_directory(path, error)) {
    return Fail(Code::kFailedPrecondition, "staging path {} is not a folder", path.native());
  }
  return {};
}

// A mkfs outlives a driver that was killed. It holds its device exclusively, so a
// second one would fail on it; and its result must not be taken for ours.
Result<> CheckNobodyFormats(const BlockDevice& device) {
  const UniqueFd exclusive(::open(device.path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  if (exclusive.valid()) return {};
  if (errno != EBUSY) return FailErrno("open {}", device.path.native());
  return Fail(Code::kAborted, "another process has {} open, perhaps a mkfs that was interrupted",
              device.path.native());
}

// Sets the volume's format in one durable step each: the intent, then the fact.
Result<> Format(VolumeStore& records, VolumeRecord& record, const BlockDevice& device,
                FormatStep step) {
  RETURN_IF_ERROR(CheckNobodyFormats(device), "format");
  if (record.file_system_uuid.empty()) {
    ASSIGN_OR_RETURN(record.file_system_uuid, NewUuid());
  }
  record.content = Content::kFormatting;
  RETURN_IF_ERROR(records.Put(record));
  RETURN_IF_ERROR(MakeFileSystem(MkfsCommand(record.usage.file_system, record.file_system_uuid,
                                             step == FormatStep::kFormatAgain, device.path),
                                 device.fd.get()),
                  "format");
  record.content = Content::kReady;
  ASSIGN_OR_RETURN(const Superblock made, ReadSuperblock(device.fd.get()));
  RETURN_IF_ERROR(DecideFormat(record, made), "format");
  return records.Put(record);
}

// Space that is not given back is no reason to keep a pod from going away.
void LogUntrimmed(const std::string& id, const Result<>& trimmed) {
  if (trimmed) return;
  spdlog::warn("not trimmed volume={} reason=\"{}\"", id, trimmed.error().message());
}

}  // namespace

Result<VolumeRecord> NodeVolumes::FindUsable(const std::string& id,
                                             const Capability& capability) const {
  ASSIGN_OR_RETURN(VolumeRecord record, records_.Find(id));
  if (record.deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", id);
  if (record.filling) return Fail(Code::kAborted, "volume {}: its creation is not finished", id);
  if (const auto why = Mismatch(record.usage, capability)) {
    return Fail(Code::kFailedPrecondition, "volume {}: {}", id, *why);
  }
  return record;
}

// The record's pool, or for an unreadable record the one that holds the bytes.
Result<Pool*> NodeVolumes::PoolHolding(const std::string& id) const {
  if (const auto record = records_.Find(id)) {
    locks_.Note(id, record->pool);
    return pools_.Of(*record);
  }
  for (const auto& pool : pools_.all()) {
    ASSIGN_OR_RETURN(const auto size_bytes, pool->SizeOf(id));
    if (size_bytes) return pool.get();
  }
  return Fail(Code::kDataLoss, "its bytes are in no pool");
}

Result<> NodeVolumes::Stage(const StageRequest& asked) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(asked.id));
  ASSIGN_OR_RETURN(VolumeRecord record, FindUsable(asked.id, asked.capability));
  const std::string step = fmt::format("volume {}: stage", asked.id);
  StageRequest request = asked;
  request.staging_path = Resolve(asked.staging_path);

  ASSIGN_OR_RETURN(const MountTable table, MountTable::Read(), step);
  ASSIGN_OR_RETURN(Pool* const pool, PoolHolding(asked.id), step);
  ASSIGN_OR_RETURN(const auto device, FindShown(*pool, record), step);
  Attachment attachment = attachments_.Of(asked.id);
  const bool reader = asked.capability.access_mode == AccessMode::kSingleNodeReaderOnly;
  const bool published_to_read = record.published && record.published->read_only;
  const Use use{.capability = asked.capability, .read_only = reader || published_to_read};
  switch (WhereStaged(attachment, request.staging_path, table, device)) {
    case Staged::kHere:
      if (attachment.staging->use == use) return {};
      return Fail(Code::kAlreadyExists, "{}: it is staged there with another capability", step);
    case Staged::kElsewhere:
      return Fail(Code::kFailedPrecondition, "{}: it is staged at {}", step,
                  attachment.staging->path);
    case Staged::kNowhere:
      break;
  }
  RETURN_IF_ERROR(CheckBytes(*pool, record), step);
  RETURN_IF_ERROR(CheckStagingFolder(table, request.staging_path, device), step);
  RETURN_IF_ERROR(records_.Settle(asked.id), step);
  attachment.staging = Staging{request.staging_path, use};
  RETURN_IF_ERROR(attachments_.Put(asked.id, attachment));
  const bool as_mount = asked.capability.access_type == AccessType::kMount;
  auto staged =
      as_mount ? StageMount(*pool, record, request) : StageBlock(*pool, record, request, use);
  if (staged) return {};
  if (!device) ReleaseUnstaged(*pool, asked.id);
  return std::unexpected(std::move(staged).error().Wrap(step));
}

// A device that was made for a staging which failed: it would keep the volume from being deleted.
void NodeVolumes::ReleaseUnstaged(Pool& pool, const std::string& id) const {
  auto device = FindShown(pool, id);
  if (!device || !*device) return;
  if (auto released = ReleaseDevice(pool, id, std::move(**device)); !released) {
    spdlog::error("not released volume={} reason=\"{}\"", id, released.error().message());
  }
}

Result<> NodeVolumes::StageMount(Pool& pool, VolumeRecord& record, const StageRequest& request) {
  ASSIGN_OR_RETURN(MountFlags flags, ParseMountFlags(request.capability.mount_flags));
  // The kernel mounts no two xfs of one UUID, and a copy has its source's.
  if (record.source && record.usage.file_system == FileSystem::kXfs) {
    flags.options.emplace_back("nouuid", "");
  }
  ASSIGN_OR_RETURN(auto found, FindShown(pool, record));
  const bool was_attached = found.has_value();
  if (!found) {
    ASSIGN_OR_RETURN(found, MakeShown(pool, record, request, {}));
  }
  const BlockDevice& device = *found;
  RETURN_IF_ERROR(tuning_.Apply(record, device));
  if (record.tuning.trim == Trim::kOnline) flags.options.emplace_back("discard", "");

  RETURN_IF_ERROR(EnsureFormatted(record, device));
  ASSIGN_OR_RETURN(const uint64_t device_bytes, DeviceBytes(device));
  ASSIGN_OR_RETURN(const Superblock superblock, ReadSuperblock(device.fd.get()));
  const bool smaller = IsSmaller(superblock, device_bytes);
  if (smaller && !was_attached) {
    RETURN_IF_ERROR(GrowUnmounted(record.usage.file_system, device), "grow");
  }
  // Built aside and attached last: nobody sees a half-made staging path. From then
  // on the mount holds the device, and unmounting it releases it.
  ASSIGN_OR_RETURN(auto mount,
                   DetachedMount::FileSystem(std::string(NameOf(record.usage.file_system)),
                                             device.path, flags.options, flags.attributes));
  RETURN_IF_ERROR(std::move(mount).AttachTo(request.staging_path));
  if (smaller && GrowsOnlyMounted(record.usage.file_system)) {
    return GrowMounted(superblock, request.staging_path, device_bytes);
  }
  return {};
}

Result<> NodeVolumes::EnsureFormatted(VolumeRecord& record, const BlockDevice& device) {
  ASSIGN_OR_RETURN(const Superblock found, ReadSuperblock(device.fd.get()));
  ASSIGN_OR_RETURN(const FormatStep step, DecideFormat(record, found));
  if (step == FormatStep::kNothing) return {};
  return Format(records_, record, device, step);
}

Result<> NodeVolumes::StageBlock(Pool& pool, VolumeRecord& record, const StageRequest& request,
                                 const Use& use) {
  if (record.content == Content::kFormatting || record.content == Content::kReady) {
    return Fail(Code::kFailedPrecondition, "it holds a file system; it is not given out raw");
  }
  if (record.content == Content::kNeverFormatted) {
    record.content = Content::kRaw;
    RETURN_IF_ERROR(records_.Put(record));
  }
  ASSIGN_OR_RETURN(const auto found, FindShown(pool, record));
  if (found) return tuning_.Apply(record, *found);
  ASSIGN_OR_RETURN(const BlockDevice device,
                   MakeShown(pool, record, request,
                             {.read_only = use.read_only, .release_with_last_user = false}));
  return tuning_.Apply(record, device);
}

Result<BlockDevice> NodeVolumes::MakeShown(Pool& pool, VolumeRecord& record,
                                           const StageRequest& request,
                                           const AttachOptions& options) {
  if (record.encryption.wanted) return OpenEncrypted(pool, record, request, options);
  return pool.Attach(record.id, options);
}

// The mapping holds the pool's device, which is writable: only the mapping is not, when it is not
// to be written.
Result<BlockDevice> NodeVolumes::OpenEncrypted(Pool& pool, VolumeRecord& record,
                                               const StageRequest& request,
                                               const AttachOptions& options) {
  if (request.passphrase.empty()) {
    return Fail(Code::kInvalidArgument, "secrets: passphrase: missing, the volume is encrypted");
  }
  RETURN_IF_ERROR(crypt::CheckSupport(), "encryption");
  RETURN_IF_ERROR(crypt::Close(record.id), "encryption");  // of a container that was not finished
  ASSIGN_OR_RETURN(auto own, pool.FindDevice(record.id));
  if (!own) {
    ASSIGN_OR_RETURN(own, pool.Attach(record.id, {}));
  }
  RETURN_IF_ERROR(EnsureContainer(record, *own, request.passphrase), "encryption");
  const bool is_new = !record.encryption.ready;
  ASSIGN_OR_RETURN(
      BlockDevice mapping,
      crypt::Open(own->path, record.id, request.passphrase, options.read_only && !is_new),
      "encryption");
  if (is_new) RETURN_IF_ERROR(FinishContainer(record, mapping, options.read_only), "encryption");
  return mapping;
}

// As with a file system: the intent is durable before, the fact after.
Result<> NodeVolumes::EnsureContainer(VolumeRecord& record, const BlockDevice& device,
                                      const std::string& passphrase) {
  Encryption& encryption = record.encryption;
  if (encryption.ready) return crypt::CheckContainer(device.fd.get(), encryption.uuid);
  RETURN_IF_ERROR(CheckNobodyFormats(device));
  if (encryption.uuid.empty()) {
    ASSIGN_OR_RETURN(const Superblock found, ReadSuperblock(device.fd.get()));
    if (!found.blank) {
      return Fail(Code::kFailedPrecondition, "it never had a container, yet it holds something");
    }
    ASSIGN_OR_RETURN(encryption.uuid, NewUuid());
    RETURN_IF_ERROR(records_.Put(record));
  }
  return crypt::Format(device.path, encryption.uuid, passphrase);
}

// What was never written in a new container reads as noise: a new volume's start is zeros.
Result<> NodeVolumes::FinishContainer(VolumeRecord& record, const BlockDevice& mapping,
                                      bool read_only) {
  {
    ASSIGN_OR_RETURN(const BlockDevice writable, OpenBlockDevice(mapping.path, O_RDWR));
    RETURN_IF_ERROR(WipeStart(writable.fd.get()));
  }
  RETURN_IF_ERROR(SetReadOnly(mapping, read_only));
  record.encryption.ready = true;
  return records_.Put(record);
}

Result<> NodeVolumes::ReleaseDevice(Pool& pool, const std::string& id, BlockDevice device) const {
  RETURN_IF_ERROR(tuning_.Release(device));
  return ReleaseShown(pool, id, std::move(device));
}

Result<> NodeVolumes::Unstage(const std::string& id, const std::filesystem::path& staging_path) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  const auto record = records_.Find(id);
  // An unreadable record must not keep a pod from going away.
  if (!record && record.error().code() != Code::kDataLoss) return std::unexpected(record.error());
  const std::string step = fmt::format("volume {}: unstage", id);
  const std::filesystem::path path = Resolve(staging_path);

  Attachment attachment = attachments_.Of(id);
  if (attachment.staging && attachment.staging->path != path) return {};
  ASSIGN_OR_RETURN(Pool* const pool, PoolHolding(id), step);
  ASSIGN_OR_RETURN(auto device, FindToLeave(*pool, id), step);
  if (device) {
    const auto mine = [&](const MountEntry& entry) { return Shows(entry, *device); };
    ASSIGN_OR_RETURN(const MountTable table, MountTable::Read(), step);
    for (const MountEntry& entry : table.entries()) {
      if (!mine(entry) || entry.target == path) continue;
      return Fail(Code::kFailedPrecondition, "{}: it is still published at {}", step,
                  entry.target.native());
    }
    if (record && record->tuning.trim == Trim::kUnstage && IsAt(table, path, *device)) {
      LogUntrimmed(id, TrimMounted(path));
    }
    RETURN_IF_ERROR(UnmountAll(path, &*device), step);
    RETURN_IF_ERROR(ReleaseDevice(*pool, id, std::move(*device)), step);
  }
  attachment.staging.reset();
  return attachments_.Put(id, attachment);
}

}  // namespace trivet::csi
