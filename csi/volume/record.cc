#include "csi/volume/record.h"

#include <array>
#include <utility>

#include "common/base/json.h"
#include "csi/volume/capacity.h"

namespace trivet::csi {
namespace {

constexpr std::array<std::pair<Content, std::string_view>, 4> kContents = {{
    {Content::kNeverFormatted, "never-formatted"},
    {Content::kFormatting, "formatting"},
    {Content::kReady, "ready"},
    {Content::kRaw, "raw"},
}};

std::string_view NameOfContent(Content content) {
  for (const auto& [value, name] : kContents) {
    if (value == content) return name;
  }
  return "";
}

Result<> ReadContent(const json::Value& root, Content& out) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(root, "content", text));
  for (const auto& [value, name] : kContents) {
    if (name == text) {
      out = value;
      return {};
    }
  }
  return Fail(Code::kInvalidArgument, "content: unexpected {}", text);
}

Result<> ReadProvisioning(const json::Value& root, Provisioning& out) {
  std::string text;
  RETURN_IF_ERROR(json::ReadRequired(root, "provisioning", text));
  if (text != "thick" && text != "thin") {
    return Fail(Code::kInvalidArgument, "provisioning: unexpected {}", text);
  }
  out = text == "thick" ? Provisioning::kThick : Provisioning::kThin;
  return {};
}

Result<> ReadUsage(const json::Value& root, Usage& out) {
  std::string file_system;
  RETURN_IF_ERROR(json::ReadRequired(root, "mount", out.mount));
  RETURN_IF_ERROR(json::ReadRequired(root, "block", out.block));
  RETURN_IF_ERROR(json::ReadRequired(root, "fileSystem", file_system));
  const auto found = FileSystemNamed(file_system);
  if (!found) return Fail(Code::kInvalidArgument, "fileSystem: unexpected {}", file_system);
  out.file_system = *found;
  return {};
}

Result<> CheckVersion(const json::Value& root) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "version", version));
  if (version != VolumeRecord::kVersion) {
    return Fail(Code::kInvalidArgument, "version: {}, this trivet-csi reads {}", version,
                VolumeRecord::kVersion);
  }
  return {};
}

Result<> CheckConsistency(const VolumeRecord& record, std::string_view id) {
  if (record.id != id) return Fail(Code::kInvalidArgument, "id: unexpected {}", record.id);
  if (record.size_bytes == 0 || record.size_bytes % kSectorBytes != 0 ||
      record.size_bytes > kMaxVolumeBytes) {
    return Fail(Code::kInvalidArgument, "sizeBytes: unexpected {}", record.size_bytes);
  }
  const bool formatted =
      record.content == Content::kFormatting || record.content == Content::kReady;
  if (formatted && record.file_system_uuid.empty()) {
    return Fail(Code::kInvalidArgument, "fileSystemUuid: missing");
  }
  return {};
}

Result<VolumeRecord> Parse(std::string_view text, std::string_view id) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(CheckVersion(root));

  VolumeRecord record;
  RETURN_IF_ERROR(json::ReadRequired(root, "id", record.id));
  RETURN_IF_ERROR(json::ReadRequired(root, "name", record.name));
  RETURN_IF_ERROR(json::ReadRequired(root, "pool", record.pool));
  RETURN_IF_ERROR(json::ReadRequired(root, "sizeBytes", record.size_bytes));
  RETURN_IF_ERROR(ReadProvisioning(root, record.provisioning));
  RETURN_IF_ERROR(ReadUsage(root, record.usage));
  RETURN_IF_ERROR(ReadContent(root, record.content));
  RETURN_IF_ERROR(json::ReadOptional(root, "fileSystemUuid", record.file_system_uuid));
  RETURN_IF_ERROR(json::ReadRequired(root, "createdUnixSeconds", record.created_unix_seconds));
  RETURN_IF_ERROR(json::ReadRequired(root, "deleting", record.deleting));
  RETURN_IF_ERROR(CheckConsistency(record, id));
  return record;
}

}  // namespace

std::string WriteRecord(const VolumeRecord& record) {
  json::Value root;
  root["version"] = VolumeRecord::kVersion;
  root["id"] = record.id;
  root["name"] = record.name;
  root["pool"] = record.pool;
  root["sizeBytes"] = record.size_bytes;
  root["provisioning"] = NameOf(record.provisioning);
  root["mount"] = record.usage.mount;
  root["block"] = record.usage.block;
  root["fileSystem"] = NameOf(record.usage.file_system);
  root["content"] = NameOfContent(record.content);
  root["fileSystemUuid"] = record.file_system_uuid;
  root["createdUnixSeconds"] = record.created_unix_seconds;
  root["deleting"] = record.deleting;
  return json::WritePretty(root);
}

Result<VolumeRecord> ParseRecord(std::string_view text, std::string_view id) {
  auto record = Parse(text, id);
  if (!record) return Fail(Code::kDataLoss, "{}", record.error().message());
  return record;
}

}  // namespace trivet::csi
