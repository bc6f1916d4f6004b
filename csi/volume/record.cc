#include "csi/volume/record.h"

#include "common/base/json.h"
#include "csi/volume/record_fields.h"

namespace trivet::csi {
namespace {

Result<> ReadProvisioning(const json::Value& root, Provisioning& out) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(root, "provisioning", text));
  if (text != "thick" && text != "thin") {
    return Fail(Code::kInvalidArgument, "provisioning: unexpected {}", text);
  }
  out = text == "thick" ? Provisioning::kThick : Provisioning::kThin;
  return {};
}

// "sourceSnapshot" or "sourceVolume".
Result<> ReadSource(const json::Value& root, std::optional<ContentSource>& out) {
  std::string snapshot;
  std::string volume;
  RETURN_IF_ERROR(json::ReadOptional(root, "sourceSnapshot", snapshot));
  RETURN_IF_ERROR(json::ReadOptional(root, "sourceVolume", volume));
  if (IsSnapshotId(snapshot)) out = ContentSource{.is_snapshot = true, .id = snapshot};
  if (IsVolumeId(volume)) out = ContentSource{.is_snapshot = false, .id = volume};
  if (out || (snapshot.empty() && volume.empty())) return {};
  return Fail(Code::kInvalidArgument, "source: unexpected {}{}", snapshot, volume);
}

Result<> ReadPublished(const json::Value& root, std::optional<Use>& out) {
  const auto found = root.find("published");
  if (found == root.end()) return {};
  ASSIGN_OR_RETURN(out, fields::ReadUse(*found), "published");
  return {};
}

// "mutable": the keys and values of ControllerModifyVolume.
Result<> ReadMutable(const json::Value& root, MutableParameters& out) {
  std::map<std::string, std::string> values;
  RETURN_IF_ERROR(json::ReadOptional(root, "mutable", values));
  ASSIGN_OR_RETURN(out, Changed(out, values), "mutable");
  return {};
}

Result<VolumeRecord> ParseVolume(std::string_view text, std::string_view id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(fields::CheckVersion(root, VolumeRecord::kVersion));

  VolumeRecord record;
  RETURN_IF_ERROR(json::ReadRequired(root, "id", record.id));
  RETURN_IF_ERROR(json::ReadRequired(root, "name", record.name));
  RETURN_IF_ERROR(json::ReadRequired(root, "pool", record.pool));
  RETURN_IF_ERROR(json::ReadRequired(root, "sizeBytes", record.size_bytes));
  RETURN_IF_ERROR(ReadProvisioning(root, record.provisioning));
  RETURN_IF_ERROR(fields::ReadUsage(root, record.usage));
  RETURN_IF_ERROR(fields::ReadContent(root, record.content));
  RETURN_IF_ERROR(json::ReadOptional(root, "fileSystemUuid", record.file_system_uuid));
  RETURN_IF_ERROR(fields::ReadEncryption(root, record.encryption));
  RETURN_IF_ERROR(json::ReadRequired(root, "createdUnixSeconds", record.created_unix_seconds));
  RETURN_IF_ERROR(ReadMutable(root, record.tuning));
  RETURN_IF_ERROR(ReadSource(root, record.source));
  RETURN_IF_ERROR(json::ReadOptional(root, "filling", record.filling));
  RETURN_IF_ERROR(ReadPublished(root, record.published));
  RETURN_IF_ERROR(json::ReadOptional(root, "inlineTarget", record.inline_target));
  RETURN_IF_ERROR(json::ReadRequired(root, "deleting", record.deleting));
  RETURN_IF_ERROR(fields::CheckId(record.id, id));
  RETURN_IF_ERROR(fields::CheckSize(record.size_bytes));
  RETURN_IF_ERROR(fields::CheckUuid(record.content, record.file_system_uuid));
  if (record.filling && !record.source) return Fail(Code::kInvalidArgument, "source: missing");
  return record;
}

}  // namespace

std::string VolumeRecord::Write() const {
  json::Value root;
  root["version"] = kVersion;
  root["id"] = id;
  root["name"] = name;
  root["pool"] = pool;
  root["sizeBytes"] = size_bytes;
  root["provisioning"] = NameOf(provisioning);
  fields::WriteUsage(usage, root);
  root["content"] = fields::NameOf(content);
  root["fileSystemUuid"] = file_system_uuid;
  fields::WriteEncryption(encryption, root);
  root["createdUnixSeconds"] = created_unix_seconds;
  root["mutable"] = Written(tuning);
  if (source) root[source->is_snapshot ? "sourceSnapshot" : "sourceVolume"] = source->id;
  root["filling"] = filling;
  if (published) root["published"] = fields::WriteUse(*published);
  if (!inline_target.empty()) root["inlineTarget"] = inline_target;
  root["deleting"] = deleting;
  return json::WritePretty(root);
}

Result<VolumeRecord> VolumeRecord::Parse(std::string_view text, std::string_view id) {
  auto record = ParseVolume(text, id);
  if (!record) return Fail(Code::kDataLoss, "{}", record.error().message());
  return record;
}

}  // namespace trivet::csi
