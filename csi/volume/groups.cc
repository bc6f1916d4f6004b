#include "csi/volume/groups.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "csi/volume/snapshots.h"

namespace trivet::csi {
namespace {

std::vector<std::string> SortedUnique(std::vector<std::string> ids) {
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  return ids;
}

Result<> CheckMembers(const GroupRecord& group, const std::vector<std::string>& snapshot_ids) {
  if (snapshot_ids.empty()) return {};
  if (SortedUnique(snapshot_ids) == SortedUnique(group.MemberIds())) return {};
  return Fail(Code::kInvalidArgument, "group snapshot {}: snapshot_ids are not its members",
              group.id);
}

}  // namespace

Result<GroupAnswer> Groups::Create(const GroupRequest& request) {
  const std::string id = GroupIdOf(request.name);
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto existing = stores_.groups.Find(id);
  if (existing && existing->cut) return AnswerExisting(std::move(*existing), request);
  if (!existing && existing.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(existing).error());
  }
  const std::string step = fmt::format("group snapshot {}", id);
  if (existing) RETURN_IF_ERROR(RemoveAll(*existing), step);

  GroupRecord group{.id = id, .name = request.name, .volume_ids = SortedUnique(request.volume_ids)};
  ASSIGN_OR_RETURN(const Guards guards, LockAll(group.volume_ids));
  ASSIGN_OR_RETURN(std::vector<SnapshotRecord> members, Describe(group), step);
  if (auto cut = Cut(group, members); !cut) {
    if (auto undone = RemoveAll(group); !undone) {
      spdlog::error("not undone group={} reason=\"{}\"", id, undone.error().message());
    }
    return std::unexpected(std::move(cut).error().Wrap(step));
  }
  RETURN_IF_ERROR(Publish(group, members), step);
  spdlog::info("cut group={} snapshots={}", id, members.size());
  return GroupAnswer{std::move(group), std::move(members)};
}

Result<GroupAnswer> Groups::AnswerExisting(GroupRecord group, const GroupRequest& request) {
  if (group.deleting) {
    return Fail(Code::kAborted, "group snapshot {}: its deletion is not finished", group.id);
  }
  if (group.name != request.name || group.volume_ids != SortedUnique(request.volume_ids)) {
    return Fail(Code::kAlreadyExists, "group snapshot {} of this name is of other volumes",
                group.id);
  }
  ASSIGN_OR_RETURN(std::vector<SnapshotRecord> members, MembersOf(group));
  RETURN_IF_ERROR(Publish(group, members));
  return GroupAnswer{std::move(group), std::move(members)};
}

Result<Groups::Guards> Groups::LockAll(const std::vector<std::string>& ids) const {
  Guards guards;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(VolumeLocks::Guard guard, locks_.TryLock(id));
    guards.push_back(std::move(guard));
  }
  return guards;
}

Result<std::vector<SnapshotRecord>> Groups::Describe(const GroupRecord& group) const {
  std::vector<SnapshotRecord> members;
  for (const std::string& volume_id : group.volume_ids) {
    ASSIGN_OR_RETURN(SnapshotRecord member,
                     DescribeSnapshot(stores_.volumes, group.MemberName(volume_id), volume_id));
    locks_.Note(volume_id, member.pool);
    ASSIGN_OR_RETURN(const Pool* const pool, pools_.Named(member.pool));
    if (!pool->can_copy()) {
      return Fail(Code::kFailedPrecondition, "volume {}: its pool {} cannot share blocks",
                  volume_id, member.pool);
    }
    member.group_id = group.id;
    members.push_back(std::move(member));
  }
  return members;
}

// The records first, so that a crash leaves no bytes that nobody knows; the group's "cut" is the
// one step that makes all of it true.
Result<> Groups::Cut(GroupRecord& group, std::vector<SnapshotRecord>& members) {
  RETURN_IF_ERROR(stores_.groups.Put(group));
  RETURN_IF_ERROR(Prepare(members));
  RETURN_IF_ERROR(CopyAll(group, members));
  group.cut = true;
  return stores_.groups.Put(group);
}

Result<> Groups::Prepare(std::vector<SnapshotRecord>& members) {
  for (const SnapshotRecord& member : members) {
    ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(member.pool));
    RETURN_IF_ERROR(pool->Remove(member.id));
    RETURN_IF_ERROR(pool->ReserveCopy(member.volume_id, member.id, PromiseOf(member)));
    RETURN_IF_ERROR(stores_.snapshots.Put(member));
  }
  return {};
}

Result<> Groups::CopyAll(GroupRecord& group, std::vector<SnapshotRecord>& members) {
  std::list<StillVolume> still;
  for (const SnapshotRecord& member : members) {
    ASSIGN_OR_RETURN(const Pool* const pool, pools_.Named(member.pool));
    ASSIGN_OR_RETURN(StillVolume held,
                     StillVolume::Hold(*pool, stores_.attachments, member.volume_id));
    still.push_back(std::move(held));
  }
  group.created_unix_nanos = NowUnixNanos();
  for (SnapshotRecord& member : members) {
    ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(member.pool));
    RETURN_IF_ERROR(pool->Copy(member.volume_id, member.id, Sync::kNow));
    member.created_unix_nanos = group.created_unix_nanos;
  }
  return {};
}

// What follows from the group's being cut.
Result<> Groups::Publish(const GroupRecord& group, std::vector<SnapshotRecord>& members) {
  for (SnapshotRecord& member : members) {
    if (member.cut) continue;
    member.created_unix_nanos = group.created_unix_nanos;
    member.cut = true;
    RETURN_IF_ERROR(stores_.snapshots.Put(member));
  }
  return {};
}

Result<std::vector<SnapshotRecord>> Groups::MembersOf(const GroupRecord& group) const {
  std::vector<SnapshotRecord> members;
  for (const std::string& id : group.MemberIds()) {
    ASSIGN_OR_RETURN(SnapshotRecord member, stores_.snapshots.Find(id),
                     fmt::format("group snapshot {}", group.id));
    members.push_back(std::move(member));
  }
  return members;
}

Result<> Groups::Delete(const std::string& id, const std::vector<std::string>& snapshot_ids) {
  if (!IsGroupId(id)) return {};
  ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, locks_.TryLock(id));
  auto group = stores_.groups.Find(id);
  if (!group && group.error().code() == Code::kNotFound) return {};
  RETURN_IF_ERROR(group);
  RETURN_IF_ERROR(CheckMembers(*group, snapshot_ids));
  ASSIGN_OR_RETURN(const Guards guards, LockAll(SortedUnique(group->MemberIds())));
  RETURN_IF_ERROR(stores_.groups.MarkDeleting(*group));
  RETURN_IF_ERROR(RemoveAll(*group), fmt::format("group snapshot {}", id));
  spdlog::info("deleted group={}", id);
  return {};
}

Result<> Groups::RemoveAll(const GroupRecord& group) {
  for (const std::string& id : group.MemberIds()) {
    const auto member = stores_.snapshots.Find(id);
    if (!member && member.error().code() == Code::kNotFound) continue;
    RETURN_IF_ERROR(member);
    ASSIGN_OR_RETURN(Pool* const pool, pools_.Named(member->pool));
    RETURN_IF_ERROR(pool->Remove(id));
    RETURN_IF_ERROR(stores_.snapshots.Remove(id));
    pool->Release(id);
  }
  return stores_.groups.Remove(group.id);
}

Result<GroupAnswer> Groups::Find(const std::string& id,
                                 const std::vector<std::string>& snapshot_ids) const {
  ASSIGN_OR_RETURN(GroupRecord group, stores_.groups.Find(id));
  if (!group.cut || group.deleting) {
    return Fail(Code::kNotFound, "group snapshot {}: is being {}", id,
                group.cut ? "deleted" : "cut");
  }
  RETURN_IF_ERROR(CheckMembers(group, snapshot_ids));
  ASSIGN_OR_RETURN(std::vector<SnapshotRecord> members, MembersOf(group));
  return GroupAnswer{std::move(group), std::move(members)};
}

void Groups::Reconcile() {
  for (const GroupRecord& group : stores_.groups.All()) {
    if (auto done = ReconcileOne(group); !done) {
      spdlog::error("not reconciled group={} reason=\"{}\"", group.id, done.error().message());
    }
  }
  for (const auto& [id, why] : stores_.groups.Unreadable()) {
    spdlog::error("unreadable record group={} reason=\"{}\"", id, why);
  }
}

Result<> Groups::ReconcileOne(const GroupRecord& group) {
  if (group.deleting || !group.cut) return RemoveAll(group);
  ASSIGN_OR_RETURN(std::vector<SnapshotRecord> members, MembersOf(group));
  return Publish(group, members);
}

}  // namespace trivet::csi
