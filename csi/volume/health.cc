#include "csi/volume/health.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <set>

#include "csi/filesystem/mkfs.h"
#include "csi/filesystem/mount_table.h"
#include "csi/filesystem/superblock.h"
#include "csi/pool/crypt_device.h"
#include "csi/volume/presence.h"
#include "csi/volume/shown_device.h"

namespace trivet::csi {
namespace {

// A disk that was pulled out; or another one, or its own with another number, is in its place. Says
// so once; false: the error is of another kind.
bool SayMissing(const Error& error, VolumeHealth& health) {
  constexpr const char* kReason = "DeviceMissing";
  if (error.code() != Code::kUnavailable && error.code() != Code::kFailedPrecondition) return false;
  if (std::ranges::find(health, kReason, &HealthProblem::reason) == health.end()) {
    health.push_back({HealthStatus::kInaccessible, kReason, error.message()});
  }
  return true;
}

// The bytes themselves: there, of full size, and begun as the record says.
Result<std::optional<Superblock>> LookAtBytes(const Pool& pool, const VolumeRecord& record,
                                              VolumeHealth& health) {
  const auto looked = pool.SizeOf(record.id);
  if (!looked && SayMissing(looked.error(), health)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto size_bytes, looked);
  if (!size_bytes || *size_bytes < record.size_bytes) {
    health.push_back({HealthStatus::kDataLoss, size_bytes ? "BytesTruncated" : "BytesMissing",
                      fmt::format("pool {} has {} of its {} bytes", record.pool,
                                  size_bytes.value_or(0), record.size_bytes)});
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(auto bytes, pool.OpenBytes(record.id));
  if (bytes && record.encryption.ready) {
    if (auto checked = crypt::CheckContainer(bytes->get(), record.encryption.uuid); !checked) {
      health.push_back({HealthStatus::kDataLoss, "ContainerMissing", checked.error().message()});
      return std::nullopt;
    }
  }
  if (record.encryption.wanted) {
    ASSIGN_OR_RETURN(auto mapping, crypt::Find(record.id));
    bytes = mapping ? std::optional(std::move(mapping->fd)) : std::nullopt;
  }
  if (!bytes || record.content != Content::kReady) return std::nullopt;
  ASSIGN_OR_RETURN(const Superblock found, ReadSuperblock(bytes->get()));
  if (const auto step = DecideFormat(record, found); !step) {
    health.push_back({HealthStatus::kDataLoss, "FileSystemMissing", step.error().message()});
  }
  return found;
}

// A mounted file system that gave up answers with an error, or became read-only.
void LookAtMount(const Staging& staging, VolumeHealth& health) {
  struct statvfs info{};
  const UniqueFd fd(::open(staging.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fstatvfs(fd.get(), &info) != 0) {
    health.push_back({HealthStatus::kInaccessible, "FileSystemShutDown",
                      Error::FromErrno(errno, "open " + staging.path).message()});
    return;
  }
  const auto& flags = staging.use.capability.mount_flags;
  const bool wanted = staging.use.read_only || std::ranges::find(flags, "ro") != flags.end();
  if ((info.f_flag & ST_RDONLY) == 0 || wanted) return;
  health.push_back({HealthStatus::kInaccessible, "FileSystemReadOnly",
                    "the kernel made it read-only after an error"});
}

Result<> LookAtStaging(const Pool& pool, const VolumeRecord& record, const Attachment& attachment,
                       VolumeHealth& health) {
  if (!attachment.staging) return {};
  auto found = FindShown(pool, record);
  if (!found && SayMissing(found.error(), health)) return {};
  ASSIGN_OR_RETURN(const auto device, std::move(found));
  if (!device) {
    health.push_back({HealthStatus::kInaccessible, "DeviceMissing",
                      "it is staged at " + attachment.staging->path + ", and no device shows it"});
    return {};
  }
  if (attachment.staging->use.capability.access_type == AccessType::kBlock) return {};
  ASSIGN_OR_RETURN(const MountTable table, MountTable::Read());
  if (!IsAt(table, attachment.staging->path, *device)) {
    health.push_back({HealthStatus::kInaccessible, "NotMounted",
                      "nothing of it is mounted at " + attachment.staging->path});
    return {};
  }
  LookAtMount(*attachment.staging, health);
  return {};
}

Result<> LookAt(const Pools& pools, const VolumeRecord& record, const Attachment& attachment,
                VolumeHealth& health) {
  ASSIGN_OR_RETURN(const Pool* const pool, pools.Of(record));
  ASSIGN_OR_RETURN(const auto superblock, LookAtBytes(*pool, record, health));
  if (superblock && superblock->has_errors) {
    health.push_back({HealthStatus::kDegraded, "FileSystemErrors",
                      "the kernel recorded errors in its file system: it needs e2fsck"});
  }
  return LookAtStaging(*pool, record, attachment, health);
}

}  // namespace

Result<VolumeHealth> Health::Of(const std::string& id) const {
  VolumeHealth health;
  const auto record = stores_.volumes.Find(id);
  if (!record && record.error().code() == Code::kNotFound) return std::unexpected(record.error());
  if (!record) {
    health.push_back({HealthStatus::kInaccessible, "RecordUnreadable", record.error().message()});
    return health;
  }
  if (record->deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", id);
  if (record->filling) return health;
  if (auto looked = LookAt(pools_, *record, stores_.attachments.Of(id), health); !looked) {
    health.push_back({HealthStatus::kInaccessible, "PoolUnusable", looked.error().message()});
  }
  return health;
}

std::vector<PoolProblem> Health::OfPools() const {
  std::vector<PoolProblem> problems;
  for (const auto& pool : pools_.all()) {
    const auto space = pool->Measure();
    const std::string name = "pool " + pool->name();
    if (!space) {
      problems.push_back({true, "PoolUnreachable", space.error().message()});
    } else if (space->read_only) {
      problems.push_back({false, "PoolReadOnly", name + ": its file system is read-only"});
    } else if (!space->note.empty()) {
      problems.push_back({false, "PoolFull", name + ": " + space->note});
    } else if (space->free_bytes + space->overcommit_bytes < space->unwritten_bytes) {
      problems.push_back({false, "PoolOvercommitted",
                          fmt::format("{}: {} bytes are free, {} are promised to volumes", name,
                                      space->free_bytes, space->unwritten_bytes)});
    }
  }
  return problems;
}

Health::Page Health::List(const std::string& first_id, size_t count) const {
  std::set<std::string> ids;
  for (const VolumeRecord& record : stores_.volumes.All()) ids.insert(record.id);
  for (const auto& [id, why] : stores_.volumes.Unreadable()) ids.insert(id);
  Page page;
  for (auto id = ids.lower_bound(first_id); id != ids.end(); ++id) {
    auto health = Of(*id);
    if (!health || health->empty()) continue;
    if (count != 0 && page.volumes.size() == count) {
      page.next_id = *id;
      break;
    }
    page.volumes.emplace_back(*id, std::move(*health));
  }
  return page;
}

}  // namespace trivet::csi
