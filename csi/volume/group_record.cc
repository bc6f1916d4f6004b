#include "csi/volume/group_record.h"

#include <algorithm>

#include "common/base/json.h"
#include "csi/volume/record_fields.h"

namespace trivet::csi {
namespace {

Result<GroupRecord> ParseGroup(std::string_view text, std::string_view id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(fields::CheckVersion(root, GroupRecord::kVersion));

  GroupRecord record;
  RETURN_IF_ERROR(json::ReadRequired(root, "id", record.id));
  RETURN_IF_ERROR(json::ReadRequired(root, "name", record.name));
  RETURN_IF_ERROR(json::ReadRequired(root, "volumes", record.volume_ids));
  RETURN_IF_ERROR(json::ReadRequired(root, "createdUnixNanos", record.created_unix_nanos));
  RETURN_IF_ERROR(json::ReadRequired(root, "cut", record.cut));
  RETURN_IF_ERROR(json::ReadRequired(root, "deleting", record.deleting));
  RETURN_IF_ERROR(fields::CheckId(record.id, id));
  if (!std::ranges::all_of(record.volume_ids, IsVolumeId)) {
    return Fail(Code::kInvalidArgument, "volumes: unexpected id");
  }
  return record;
}

}  // namespace

std::string GroupRecord::MemberName(const std::string& volume_id) const {
  return id + '\x1f' + volume_id;
}

std::vector<std::string> GroupRecord::MemberIds() const {
  std::vector<std::string> ids;
  for (const std::string& volume_id : volume_ids)
    ids.push_back(SnapshotIdOf(MemberName(volume_id)));
  return ids;
}

std::string GroupRecord::Write() const {
  json::Value root;
  root["version"] = kVersion;
  root["id"] = id;
  root["name"] = name;
  root["volumes"] = volume_ids;
  root["createdUnixNanos"] = created_unix_nanos;
  root["cut"] = cut;
  root["deleting"] = deleting;
  return json::WritePretty(root);
}

Result<GroupRecord> GroupRecord::Parse(std::string_view text, std::string_view id) {
  auto record = ParseGroup(text, id);
  if (!record) return Fail(Code::kDataLoss, "{}", record.error().message());
  return record;
}

}  // namespace trivet::csi
