#include "csi/volume/provisioner.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "csi/pool/crypt_device.h"
#include "csi/volume/copy_plan.h"
#include "csi/volume/presence.h"
#include "csi/volume/still_volume.h"
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

// What a new volume may be: the container of an encrypted one takes a part of it.
CapacityRange RangeOf(const CreateRequest& request) {
  CapacityRange range = request.capacity;
  if (!request.parameters.encrypted.value_or(false)) return range;
  range.required_bytes =
      std::max(range.required_bytes, MinimumBytesOf(request.usage) + crypt::kHeaderBytes);
  return range;
}

}  // namespace

std::optional<std::string> Difference(const VolumeRecord& record, const CreateRequest& request,
                                      const std::string& pool) {
  if (record.name != request.name) return "its id belongs to another name";
  if (!Satisfies(record.size_bytes, request.capacity)) {
    return fmt::format("it has {} bytes", record.size_bytes);
  }
  if (record.source != request.source) return "it has another volume_content_source";
  Usage usage = request.usage;
  if (request.source && !request.file_system_given) usage.file_system = record.usage.file_system;
  if (!Covers(record.usage, usage)) return "it has other volume_capabilities";
  if (record.pool != pool) return fmt::format("it is in pool {}", record.pool);
  if (request.parameters.provisioning && record.provisioning != request.parameters.provisioning) {
    return fmt::format("its provisioning is {}", NameOf(record.provisioning));
  }
  const bool encrypted =
      request.parameters.encrypted.value_or(request.source && record.encryption.wanted);
  if (encrypted != record.encryption.wanted) {
    return fmt::format("it is {}encrypted", record.encryption.wanted ? "" : "not ");
  }
  return std::nullopt;
}

Result<Provisioning> ChooseProvisioning(const Pool& pool, std::optional<Provisioning> asked) {
  const std::optional<Provisioning> only = pool.only_provisioning();
  if (!only) return asked.value_or(Provisioning::kThick);
  if (!asked || *asked == *only) return *only;
  return Fail(Code::kInvalidArgument, "parameters: provisioning: volumes of pool {} are {}",
              pool.name(), NameOf(*only));
}

Result<VolumeRecord> Provisioner::Create(const CreateRequest& request) {
  const std::string id = VolumeIdOf(request.name);
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto existing = records_.Find(id);
  if (existing) return FinishExisting(std::move(*existing), request);
  if (existing.error().code() != Code::kNotFound) return existing;
  return request.source ? CreateCopy(request, id) : CreateNew(request, id);
}

Result<VolumeRecord> Provisioner::CreateNew(const CreateRequest& request, const std::string& id) {
  const std::string step = fmt::format("volume {}", id);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Choose(request.parameters.pool));
  locks_.Note(id, pool->name());
  ASSIGN_OR_RETURN(const Provisioning provisioning,
                   ChooseProvisioning(*pool, request.parameters.provisioning), step);
  ASSIGN_OR_RETURN(const uint64_t size_bytes, pool->SizeFor(RangeOf(request), request.usage), step);
  RETURN_IF_ERROR(RefuseOrphan(*pool, id), step);
  VolumeRecord record{.id = id,
                      .name = request.name,
                      .pool = pool->name(),
                      .size_bytes = size_bytes,
                      .provisioning = provisioning,
                      .usage = request.usage,
                      .encryption = {.wanted = request.parameters.encrypted.value_or(false)},
                      .created_unix_seconds = NowUnixSeconds(),
                      .tuning = request.tuning,
                      .inline_target = request.inline_target};
  RETURN_IF_ERROR(pool->Reserve(id, size_bytes), step);
  RETURN_IF_ERROR(Make(record), step);
  return record;
}

Result<VolumeRecord> Provisioner::CreateCopy(const CreateRequest& request, const std::string& id) {
  const std::string step = fmt::format("volume {}", id);
  ASSIGN_OR_RETURN(const VolumeLocks::Guard source_guard, locks_.TryLock(request.source->id));
  ASSIGN_OR_RETURN(const CopySource source, FindSource(stores_, *request.source), step);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(source.pool), step);
  locks_.Note(id, source.pool);
  locks_.Note(request.source->id, source.pool);
  ASSIGN_OR_RETURN(VolumeRecord record, PlanCopy(request, source, *pool), step);
  RETURN_IF_ERROR(RefuseOrphan(*pool, id), step);
  record.created_unix_seconds = NowUnixSeconds();
  RETURN_IF_ERROR(pool->ReserveCopy(request.source->id, id,
                                    {.size_bytes = record.size_bytes, .may_share = true}),
                  step);
  RETURN_IF_ERROR(Make(record), step);
  return record;
}

// The record first, then the bytes; or neither. No bytes are there yet, and so they are made.
Result<> Provisioner::Make(VolumeRecord& record) {
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(record));
  auto made = records_.Put(record, SyncBeforeChange(*pool, records_.file_system()));
  if (made) made = Complete(record);
  if (made) {
    spdlog::info("created volume={} pool={} bytes={}", record.id, record.pool, record.size_bytes);
    return {};
  }
  if (auto undone = RemoveAll(record); !undone) {
    spdlog::error("not undone volume={} reason=\"{}\"", record.id, undone.error().message());
  }
  return made;
}

Result<VolumeRecord> Provisioner::FinishExisting(VolumeRecord record,
                                                 const CreateRequest& request) {
  if (record.deleting) {
    return Fail(Code::kAborted, "volume {}: its deletion is not finished", record.id);
  }
  locks_.Note(record.id, record.pool);
  std::string pool = record.pool;  // a copy is in its source's unless another one is asked for
  if (!request.source || !request.parameters.pool.empty()) {
    ASSIGN_OR_RETURN(const Pool* const chosen, pools_.Choose(request.parameters.pool));
    pool = chosen->name();
  }
  if (const auto difference = Difference(record, request, pool)) {
    return Fail(Code::kAlreadyExists, "volume {} of this name differs: {}", record.id, *difference);
  }
  std::optional<VolumeLocks::Guard> source_guard;
  if (record.filling) {
    ASSIGN_OR_RETURN(VolumeLocks::Guard guard, locks_.TryLock(record.source->id));
    source_guard.emplace(std::move(guard));
  }
  // An error of the disk may have left the record in memory only, and this answer is a promise.
  RETURN_IF_ERROR(records_.Put(record));
  RETURN_IF_ERROR(Complete(record));
  return record;
}

Result<> Provisioner::Complete(VolumeRecord& record) {
  return record.filling ? Fill(record) : EnsureAllocated(record);
}

// The source's lock is held, or nothing is served yet. The copy appears in one
// step: when it is there, only its size may be missing.
Result<> Provisioner::Fill(VolumeRecord& record) {
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(record));
  ASSIGN_OR_RETURN(const auto present_bytes, pool->SizeOf(record.id));
  if (!present_bytes) {
    RETURN_IF_ERROR(FindSource(stores_, *record.source));
    std::optional<StillVolume> still;
    if (!record.source->is_snapshot) {
      ASSIGN_OR_RETURN(StillVolume held,
                       StillVolume::Hold(*pool, stores_.attachments, record.source->id));
      still.emplace(std::move(held));
    }
    RETURN_IF_ERROR(pool->Copy(record.source->id, record.id, Sync::kNow), "copy");
  }
  ASSIGN_OR_RETURN(const auto size_bytes, pool->SizeOf(record.id));
  // A copy made just now is durable; one that was there may have been named and no more.
  if (present_bytes || size_bytes < record.size_bytes) RETURN_IF_ERROR(pool->Allocate(record));
  record.filling = false;
  records_.Adjust(record);  // the next start sees the bytes; before they change it is settled
  return {};
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
  locks_.Note(id, record->pool);
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(*record));
  ASSIGN_OR_RETURN(const auto device, pool->FindDevice(id), fmt::format("volume {}", id));
  if (device) {
    const pid_t holder = ForeignHolder(*device);
    return Fail(Code::kFailedPrecondition, "volume {}: delete: in use by {}{}", id,
                device->path.native(),
                holder == 0 ? "" : fmt::format(", mounted in the namespace of process {}", holder));
  }
  if (record->published) {
    return Fail(Code::kFailedPrecondition, "volume {}: delete: it is published to this node", id);
  }
  ASSIGN_OR_RETURN(const Sync when, SyncBeforeRemoval(*pool, id, records_.file_system()),
                   fmt::format("volume {}", id));
  RETURN_IF_ERROR(records_.MarkDeleting(*record, when));
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
  locks_.Note(id, record.pool);
  if (range.limit_bytes != 0 && record.size_bytes > range.limit_bytes) {
    return Fail(Code::kOutOfRange, "volume {}: grow: it has {} bytes, limit_bytes is {}", id,
                record.size_bytes, range.limit_bytes);
  }
  if (record.filling) return Fail(Code::kAborted, "volume {}: its creation is not finished", id);
  if (record.size_bytes >= range.required_bytes) {
    RETURN_IF_ERROR(EnsureAllocated(record));
    return record;
  }
  const std::string step = fmt::format("volume {}: grow", id);
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Of(record));
  if (!pool->can_grow()) {
    return Fail(Code::kOutOfRange, "{}: volumes of pool {} do not grow, it has {} bytes", step,
                pool->name(), record.size_bytes);
  }
  ASSIGN_OR_RETURN(const uint64_t size_bytes, pool->SizeFor(range, record.usage), step);

  const VolumeRecord before = record;
  record.size_bytes = size_bytes;
  RETURN_IF_ERROR(pool->Reserve(id, size_bytes), step);
  auto grown = records_.Put(record);
  if (grown) grown = pool->Allocate(record);
  if (!grown) {
    pool->Adopt(id, {.size_bytes = before.size_bytes});
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

Result<VolumeRecord> Provisioner::FindSettled(const std::string& id) const {
  const bool held = locks_.IsHeld(id);  // first: what ends in between is seen by the look below
  auto record = records_.Find(id);
  const bool absent = !record && record.error().code() == Code::kNotFound;
  if ((absent && held) || (record && record->deleting)) {
    return Fail(Code::kAborted, "volume {}: is being made or deleted", id);
  }
  return record;
}

VolumePage Provisioner::List(const std::string& first_id, size_t count) const {
  VolumePage page;
  for (VolumeRecord& record : records_.All()) {
    if (record.deleting || !record.inline_target.empty() || record.id < first_id) continue;
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
  return std::min(available, kMaxVolumeBytes) / pool->unit_bytes() * pool->unit_bytes();
}

// Every promise counts before the first one is carried on. Which volumes share
// blocks is known from who was copied; one too many costs only time.
void Provisioner::AdoptPromises(const std::vector<VolumeRecord>& all) const {
  std::set<std::string> sharing;
  for (const SnapshotRecord& snapshot : stores_.snapshots.All()) sharing.insert(snapshot.volume_id);
  for (const VolumeRecord& record : all) {
    if (record.source) sharing.insert({record.id, record.source->id});
  }
  for (const VolumeRecord& record : all) {
    const auto pool = pools_.Of(record);
    if (!pool) continue;
    (*pool)->Adopt(record.id,
                   {.size_bytes = record.size_bytes, .may_share = sharing.contains(record.id)});
  }
}

void Provisioner::Reconcile() {
  const std::vector<VolumeRecord> all = records_.All();
  AdoptPromises(all);
  for (const VolumeRecord& record : all) {
    if (auto done = ReconcileOne(record); !done) {
      spdlog::error("not reconciled volume={} reason=\"{}\"", record.id, done.error().message());
    }
  }
  for (const auto& [id, why] : records_.Unreadable()) {
    spdlog::error("unreadable record volume={} reason=\"{}\"", id, why);
  }
}

Result<> Provisioner::ReconcileOne(VolumeRecord record) {
  if (!record.deleting) {
    auto completed = Complete(record);
    if (completed) return records_.Settle(record.id);
    const bool never_made = !completed && record.filling;
    if (!never_made || completed.error().code() != Code::kNotFound) return completed;
    // Nobody was told of a copy whose source is gone meanwhile.
    return RemoveAll(record);
  }
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Of(record));
  // Whoever asked for it had no answer yet and asks again; until then nothing waits for it here.
  if (pool->wipes()) {
    ASSIGN_OR_RETURN(const auto size_bytes, pool->SizeOf(record.id));
    if (size_bytes) return {};
  }
  ASSIGN_OR_RETURN(const auto device, pool->FindDevice(record.id));
  if (device) {
    return Fail(Code::kFailedPrecondition, "delete: in use by {}", device->path.native());
  }
  return RemoveAll(record);
}

}  // namespace trivet::csi
