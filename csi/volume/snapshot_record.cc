#include "csi/volume/snapshot_record.h"

#include "common/base/json.h"
#include "csi/volume/record_fields.h"

namespace trivet::csi {
namespace {

Result<SnapshotRecord> ParseSnapshot(std::string_view text, std::string_view id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(fields::CheckVersion(root, SnapshotRecord::kVersion));

  SnapshotRecord record;
  RETURN_IF_ERROR(json::ReadRequired(root, "id", record.id));
  RETURN_IF_ERROR(json::ReadRequired(root, "name", record.name));
  RETURN_IF_ERROR(json::ReadRequired(root, "volume", record.volume_id));
  RETURN_IF_ERROR(json::ReadOptional(root, "group", record.group_id));
  RETURN_IF_ERROR(json::ReadRequired(root, "pool", record.pool));
  RETURN_IF_ERROR(json::ReadRequired(root, "sizeBytes", record.size_bytes));
  RETURN_IF_ERROR(fields::ReadUsage(root, record.usage));
  RETURN_IF_ERROR(fields::ReadContent(root, record.content));
  RETURN_IF_ERROR(json::ReadOptional(root, "fileSystemUuid", record.file_system_uuid));
  RETURN_IF_ERROR(fields::ReadEncryption(root, record.encryption));
  RETURN_IF_ERROR(json::ReadRequired(root, "createdUnixNanos", record.created_unix_nanos));
  RETURN_IF_ERROR(json::ReadRequired(root, "cut", record.cut));
  RETURN_IF_ERROR(json::ReadRequired(root, "deleting", record.deleting));
  RETURN_IF_ERROR(fields::CheckId(record.id, id));
  RETURN_IF_ERROR(fields::CheckSize(record.size_bytes));
  RETURN_IF_ERROR(fields::CheckUuid(record.content, record.file_system_uuid));
  if (!IsVolumeId(record.volume_id)) {
    return Fail(Code::kInvalidArgument, "volume: unexpected {}", record.volume_id);
  }
  return record;
}

}  // namespace

std::string SnapshotRecord::Write() const {
  json::Value root;
  root["version"] = kVersion;
  root["id"] = id;
  root["name"] = name;
  root["volume"] = volume_id;
  root["group"] = group_id;
  root["pool"] = pool;
  root["sizeBytes"] = size_bytes;
  fields::WriteUsage(usage, root);
  root["content"] = fields::NameOf(content);
  root["fileSystemUuid"] = file_system_uuid;
  fields::WriteEncryption(encryption, root);
  root["createdUnixNanos"] = created_unix_nanos;
  root["cut"] = cut;
  root["deleting"] = deleting;
  return json::WritePretty(root);
}

Result<SnapshotRecord> SnapshotRecord::Parse(std::string_view text, std::string_view id) {
  auto record = ParseSnapshot(text, id);
  if (!record) return Fail(Code::kDataLoss, "{}", record.error().message());
  return record;
}

}  // namespace trivet::csi
