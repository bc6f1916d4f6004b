#include "csi/volume/snapshots.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "csi/volume/still_volume.h"

namespace trivet::csi {
namespace {

Result<SnapshotRecord> AnswerExisting(SnapshotRecord record, const SnapshotRequest& request) {
  if (record.deleting || !record.cut) {
    return Fail(Code::kAborted, "snapshot {}: an earlier call is not finished", record.id);
  }
  if (record.name != request.name || record.volume_id != request.volume_id) {
    return Fail(Code::kAlreadyExists, "snapshot {} of this name is of volume {}", record.id,
                record.volume_id);
  }
  return record;
}

}  // namespace

Promise PromiseOf(const SnapshotRecord& record) {
  return {.size_bytes = record.size_bytes, .is_snapshot = true, .may_share = true};
}

int64_t NowUnixNanos() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

Result<SnapshotRecord> Snapshots::Create(const SnapshotRequest& request) {
  const std::string id = SnapshotIdOf(request.name);
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto existing = stores_.snapshots.Find(id);
  if (existing && existing->cut) return AnswerExisting(std::move(*existing), request);
  if (!existing && existing.error().code() != Code::kNotFound) return existing;

  ASSIGN_OR_RETURN(const VolumeLocks::Guard volume_guard, locks_.TryLock(request.volume_id));
  ASSIGN_OR_RETURN(SnapshotRecord record,
                   DescribeSnapshot(stores_.volumes, request.name, request.volume_id));
  locks_.Note(id, record.pool);
  locks_.Note(request.volume_id, record.pool);
  const std::string step = fmt::format("snapshot {}", id);
  if (auto cut = Cut(record); !cut) {
    if (auto undone = RemoveAll(record); !undone) {
      spdlog::error("not undone snapshot={} reason=\"{}\"", id, undone.error().message());
    }
    return std::unexpected(std::move(cut).error().Wrap(step));
  }
  spdlog::info("cut snapshot={} volume={} bytes={}", id, record.volume_id, record.size_bytes);
  return record;
}

Result<SnapshotRecord> DescribeSnapshot(const VolumeStore& volumes, const std::string& name,
                                        const std::string& volume_id) {
  ASSIGN_OR_RETURN(const VolumeRecord volume, volumes.Find(volume_id));
  if (volume.deleting || volume.filling) {
    return Fail(Code::kAborted, "volume {}: is being made or deleted", volume.id);
  }
  return SnapshotRecord{.id = SnapshotIdOf(name),
                        .name = name,
                        .volume_id = volume.id,
                        .pool = volume.pool,
                        .size_bytes = volume.size_bytes,
                        .usage = volume.usage,
                        .content = volume.content,
                        .file_system_uuid = volume.file_system_uuid,
                        .encryption = volume.encryption};
}

// The record first, so that a crash leaves no bytes that nobody knows.
Result<> Snapshots::Cut(SnapshotRecord& record) {
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(record.pool));
  RETURN_IF_ERROR(pool->Remove(record.id));  // of an earlier call, cut at another moment
  RETURN_IF_ERROR(pool->ReserveCopy(record.volume_id, record.id, PromiseOf(record)));
  record.created_unix_nanos = NowUnixNanos();
  const Sync when = SyncBeforeChange(*pool, stores_.snapshots.file_system());
  RETURN_IF_ERROR(stores_.snapshots.Put(record, when));
  {
    ASSIGN_OR_RETURN(const StillVolume still,
                     StillVolume::Hold(*pool, stores_.attachments, record.volume_id));
    record.created_unix_nanos = NowUnixNanos();
    RETURN_IF_ERROR(pool->Copy(record.volume_id, record.id, when));
  }
  record.cut = true;
  return stores_.snapshots.Put(record);
}

Result<> Snapshots::Delete(const std::string& id) {
  if (!IsSnapshotId(id)) return {};
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto record = stores_.snapshots.Find(id);
  if (!record && record.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(record);
  locks_.Note(id, record->pool);
  if (!record->group_id.empty()) {
    return Fail(Code::kInvalidArgument,
                "snapshot {}: is a member of group snapshot {}, and deleted with it", id,
                record->group_id);
  }
  ASSIGN_OR_RETURN(const Pool* const pool, pools_.Named(record->pool));
  ASSIGN_OR_RETURN(const Sync when, SyncBeforeRemoval(*pool, id, stores_.snapshots.file_system()),
                   fmt::format("snapshot {}", id));
  RETURN_IF_ERROR(stores_.snapshots.MarkDeleting(*record, when));
  RETURN_IF_ERROR(RemoveAll(*record));
  spdlog::info("deleted snapshot={}", id);
  return {};
}

Result<> Snapshots::RemoveAll(const SnapshotRecord& record) {
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(record.pool));
  RETURN_IF_ERROR(pool->Remove(record.id));
  RETURN_IF_ERROR(stores_.snapshots.Remove(record.id));
  pool->Release(record.id);
  return {};
}

Result<SnapshotRecord> Snapshots::Find(const std::string& id) const {
  ASSIGN_OR_RETURN(SnapshotRecord record, stores_.snapshots.Find(id));
  if (record.cut && !record.deleting) return record;
  return Fail(Code::kNotFound, "snapshot {}: is being {}", id, record.cut ? "deleted" : "cut");
}

SnapshotPage Snapshots::List(const SnapshotFilter& filter, const std::string& first_id,
                             size_t count) const {
  SnapshotPage page;
  for (SnapshotRecord& record : stores_.snapshots.All()) {
    if (!record.cut || record.deleting || record.id < first_id) continue;
    if (!filter.id.empty() && record.id != filter.id) continue;
    if (!filter.volume_id.empty() && record.volume_id != filter.volume_id) continue;
    if (count != 0 && page.snapshots.size() == count) {
      page.next_id = record.id;
      break;
    }
    page.snapshots.push_back(std::move(record));
  }
  return page;
}

void Snapshots::Reconcile() {
  for (const SnapshotRecord& record : stores_.snapshots.All()) {
    if (auto done = ReconcileOne(record); !done) {
      spdlog::error("not reconciled snapshot={} reason=\"{}\"", record.id, done.error().message());
    }
  }
  for (const auto& [id, why] : stores_.snapshots.Unreadable()) {
    spdlog::error("unreadable record snapshot={} reason=\"{}\"", id, why);
  }
}

Result<> Snapshots::ReconcileOne(const SnapshotRecord& record) {
  ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(record.pool));
  if (record.deleting || !record.cut) return RemoveAll(record);
  pool->Adopt(record.id, PromiseOf(record));
  ASSIGN_OR_RETURN(const auto size_bytes, pool->SizeOf(record.id));
  if (size_bytes && *size_bytes >= record.size_bytes) return {};
  return Fail(Code::kDataLoss, "pool {} has {} of its {} bytes", record.pool,
              size_bytes.value_or(0), record.size_bytes);
}

}  // namespace trivet::csi
