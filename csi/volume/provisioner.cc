#include "csi/volume/provisioner.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

int64_t NowUnixSeconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// Bytes whose record was lost: a new volume must not start with another one's data.
Result<> RefuseOrphan(const Pool& pool, const std::string& id) {
  ASSIGN_OR_RETURN(const auto size_bytes, pool.SizeOf(id));
  if (!size_bytes) return {};
  return Fail(Code::kFailedPrecondition, "pool {} holds {} bytes of it without a record",
              pool.name(), *size_bytes);
}

bool Covers(const Usage& has, const Usage& wants) {
  if (wants.block && !has.block) return false;
  return !wants.mount || (has.mount && has.file_system == wants.file_system);
}

}  // namespace

std::optional<std::string> Difference(const VolumeRecord& record, const CreateRequest& request,
                                      const std::string& pool) {
  if (record.name != request.name) return "its id belongs to another name";
  if (!Satisfies(record.size_bytes, request.capacity)) {
    return fmt::format("it has {} bytes", record.size_bytes);
  }
  if (!Covers(record.usage, request.usage)) return "it has other volume_capabilities";
  if (record.pool != pool) return fmt::format("it is in pool {}", record.pool);
  if (record.provisioning != request.parameters.provisioning) {
    return fmt::format("its provisioning is {}", NameOf(record.provisioning));
  }
  return std::nullopt;
}

Result<VolumeRecord> Provisioner::Create(const CreateRequest& request) {
  const std::string id = VolumeIdOf(request.name);
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto existing = records_.Find(id);
  if (existing) return FinishExisting(std::move(*existing), request);
  if (existing.error().code() != Code::kNotFound) return existing;
  return CreateNew(request, id);
}

Result<VolumeRecord> Provisioner::CreateNew(const CreateRequest& request, const std::string& id) {
  const std::string step = fmt::format("volume {}", id);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Choose(request.parameters.pool));
  ASSIGN_OR_RETURN(const uint64_t size_bytes, ChooseSize(request.capacity, request.usage), step);
  RETURN_IF_ERROR(RefuseOrphan(*pool, id), step);
  const VolumeRecord record{.id = id,
                            .name = request.name,
                            .pool = pool->name(),
                            .size_bytes = size_bytes,
                            .provisioning = request.parameters.provisioning,
                            .usage = request.usage,
                            .created_unix_seconds = NowUnixSeconds()};

  RETURN_IF_ERROR(pool->Reserve(id, size_bytes), step);
  auto made = records_.Put(record);
  if (made) made = pool->Allocate(record);
  if (!made) {
    if (auto undone = RemoveAll(record); !undone) {
      spdlog::error("not undone volume={} reason=\"{}\"", id, undone.error().message());
    }
    return std::unexpected(std::move(made).error().Wrap(step));
  }
  spdlog::info("created volume={} pool={} bytes={}", id, pool->name(), size_bytes);
  return record;
}

Result<VolumeRecord> Provisioner::FinishExisting(VolumeRecord record,
                                                 const CreateRequest& request) {
  if (record.deleting) {
    return Fail(Code::kAborted, "volume {}: its deletion is not finished", record.id);
  }
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Choose(request.parameters.pool));
  if (const auto difference = Difference(record, request, pool->name())) {
    return Fail(Code::kAlreadyExists, "volume {} of this name differs: {}", record.id, *difference);
  }
  RETURN_IF_ERROR(EnsureAllocated(record));
  return record;
}

Result<> Provisioner::EnsureAllocated(const VolumeRecord& record) {
  const std::string step = fmt::format("volume {}", record.id);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(record));
  ASSIGN_OR_RETURN(const auto size_bytes, pool->SizeOf(record.id), step);
  if (size_bytes && *size_bytes >= record.size_bytes) return {};
  if (!size_bytes && record.content != Content::kNeverFormatted) {
    return Fail(Code::kDataLoss, "{}: its bytes are gone from pool {}", step, record.pool);
  }
  return pool->Allocate(record);
}

Result<> Provisioner::Delete(const std::string& id) {
  if (!IsVolumeId(id)) return {};
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto record = records_.Find(id);
  if (!record && record.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(record);
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(*record));
  ASSIGN_OR_RETURN(const auto device, pool->FindDevice(id), fmt::format("volume {}", id));
  if (device) {
    return Fail(Code::kFailedPrecondition, "volume {}: delete: in use by {}", id,
                device->path.native());
  }
  record->deleting = true;
  RETURN_IF_ERROR(records_.Put(*record));
  RETURN_IF_ERROR(RemoveAll(*record));
  spdlog::info("deleted volume={}", id);
  return {};
}

Result<> Provisioner::RemoveAll(const VolumeRecord& record) {
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(record));
  RETURN_IF_ERROR(pool->Remove(record.id), fmt::format("volume {}", record.id));
  RETURN_IF_ERROR(records_.Remove(record.id));
  pool->Release(record.id);
  return {};
}

Result<VolumeRecord> Provisioner::Grow(const std::string& id, const CapacityRange& range) {
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  ASSIGN_OR_RETURN(VolumeRecord record, Find(id));
  if (range.limit_bytes != 0 && record.size_bytes > range.limit_bytes) {
    return Fail(Code::kOutOfRange, "volume {}: grow: it has {} bytes, limit_bytes is {}", id,
                record.size_bytes, range.limit_bytes);
  }
  if (record.size_bytes >= range.required_bytes) {
    RETURN_IF_ERROR(EnsureAllocated(record));
    return record;
  }
  const std::string step = fmt::format("volume {}: grow", id);
  ASSIGN_OR_RETURN(const uint64_t size_bytes, ChooseSize(range, record.usage), step);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(record));

  const VolumeRecord before = record;
  record.size_bytes = size_bytes;
  RETURN_IF_ERROR(pool->Reserve(id, size_bytes), step);
  auto grown = records_.Put(record);
  if (grown) grown = pool->Allocate(record);
  if (!grown) {
    pool->Adopt(id, before.size_bytes);
    if (auto undone = records_.Put(before); !undone) {
      spdlog::error("not undone volume={} reason=\"{}\"", id, undone.error().message());
    }
    return std::unexpected(std::move(grown).error().Wrap(step));
  }
  return record;
}

Result<VolumeRecord> Provisioner::Find(const std::string& id) const {
  ASSIGN_OR_RETURN(VolumeRecord record, records_.Find(id));
  if (record.deleting) return Fail(Code::kNotFound, "volume {}: is being deleted", id);
  return record;
}

VolumePage Provisioner::List(const std::string& first_id, size_t count) const {
  VolumePage page;
  for (VolumeRecord& record : records_.All()) {
    if (record.deleting || record.id < first_id) continue;
    if (count != 0 && page.volumes.size() == count) {
      page.next_id = record.id;
      break;
    }
    page.volumes.push_back(std::move(record));
  }
  return page;
}

Result<uint64_t> Provisioner::Available(const Parameters& parameters) const {
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Choose(parameters.pool));
  ASSIGN_OR_RETURN(const uint64_t available, pool->Available());
  return std::min(available, kMaxVolumeBytes) / kSectorBytes * kSectorBytes;
}

void Provisioner::Reconcile() {
  const std::vector<VolumeRecord> all = records_.All();
  // Every promise counts before the first one is carried on.
  for (const VolumeRecord& record : all) {
    if (auto pool = pools_.Of(record)) (*pool)->Adopt(record.id, record.size_bytes);
  }
  for (const VolumeRecord& record : all) {
    if (auto done = ReconcileOne(record); !done) {
      spdlog::error("not reconciled volume={} reason=\"{}\"", record.id, done.error().message());
    }
  }
  for (const auto& [id, why] : records_.Unreadable()) {
    spdlog::error("unreadable record volume={} reason=\"{}\"", id, why);
  }
  ReportOrphans();
}

Result<> Provisioner::ReconcileOne(const VolumeRecord& record) {
  if (!record.deleting) return EnsureAllocated(record);
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(record));
  ASSIGN_OR_RETURN(const auto device, pool->FindDevice(record.id));
  if (device) {
    return Fail(Code::kFailedPrecondition, "delete: in use by {}", device->path.native());
  }
  return RemoveAll(record);
}

// Bytes without a record are never deleted: the record may be what was lost. Their
// space is promised, so that nothing grows into it.
void Provisioner::ReportOrphans() const {
  for (const auto& pool : pools_.all()) {
    const auto ids = pool->List();
    if (!ids) {
      spdlog::error("not listed pool={} reason=\"{}\"", pool->name(), ids.error().message());
      continue;
    }
    for (const std::string& id : *ids) {
      if (records_.Find(id)) continue;
      const auto size_bytes = pool->SizeOf(id);
      if (size_bytes && *size_bytes) pool->Adopt(id, **size_bytes);
      spdlog::warn("no readable record volume={} pool={}", id, pool->name());
    }
  }
}

}  // namespace trivet::csi
