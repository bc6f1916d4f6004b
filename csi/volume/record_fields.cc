#include "csi/volume/record_fields.h"

#include <array>
#include <utility>

#include "csi/volume/capacity.h"

namespace trivet::csi::fields {
namespace {

constexpr std::array<std::pair<Content, std::string_view>, 4> kContents = {{
    {Content::kNeverFormatted, "never-formatted"},
    {Content::kFormatting, "formatting"},
    {Content::kReady, "ready"},
    {Content::kRaw, "raw"},
}};

Result<AccessMode> AccessModeOf(int number) {
  for (const AccessMode mode :
       {AccessMode::kSingleNodeWriter, AccessMode::kSingleNodeReaderOnly,
        AccessMode::kSingleNodeSingleWriter, AccessMode::kSingleNodeMultiWriter}) {
    if (static_cast<int>(mode) == number) return mode;
  }
  return Fail(Code::kInvalidArgument, "accessMode: unexpected {}", number);
}

}  // namespace

Result<> CheckVersion(const json::Value& root, int newest) {
  int version = 0;
  RETURN_IF_ERROR(json::ReadRequired(root, "version", version));
  if (version >= 1 && version <= newest) return {};
  return Fail(Code::kInvalidArgument, "version: {}, this trivet-csi reads up to {}", version,
              newest);
}

Result<> CheckId(const std::string& id, std::string_view expected) {
  if (id == expected) return {};
  return Fail(Code::kInvalidArgument, "id: unexpected {}", id);
}

Result<> CheckSize(uint64_t size_bytes) {
  if (size_bytes != 0 && size_bytes % kSectorBytes == 0 && size_bytes <= kMaxVolumeBytes) return {};
  return Fail(Code::kInvalidArgument, "sizeBytes: unexpected {}", size_bytes);
}

Result<> CheckUuid(Content content, const std::string& uuid) {
  const bool formatted = content == Content::kFormatting || content == Content::kReady;
  if (!formatted || !uuid.empty()) return {};
  return Fail(Code::kInvalidArgument, "fileSystemUuid: missing");
}

std::string_view NameOf(Content content) {
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

void WriteEncryption(const Encryption& encryption, json::Value& root) {
  if (!encryption.wanted) return;
  root["encryption"] = {{"uuid", encryption.uuid}, {"ready", encryption.ready}};
}

Result<> ReadEncryption(const json::Value& root, Encryption& out) {
  const auto found = root.find("encryption");
  if (found == root.end()) return {};
  out.wanted = true;
  RETURN_IF_ERROR(json::ReadRequired(*found, "uuid", out.uuid), "encryption");
  RETURN_IF_ERROR(json::ReadRequired(*found, "ready", out.ready), "encryption");
  if (out.ready && out.uuid.empty()) {
    return Fail(Code::kInvalidArgument, "encryption: uuid: missing");
  }
  return {};
}

void WriteUsage(const Usage& usage, json::Value& root) {
  root["mount"] = usage.mount;
  root["block"] = usage.block;
  root["fileSystem"] = csi::NameOf(usage.file_system);
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

json::Value WriteUse(const Use& use) {
  json::Value value;
  value["accessType"] = csi::NameOf(use.capability.access_type);
  value["accessMode"] = static_cast<int>(use.capability.access_mode);
  value["fileSystem"] =
      use.capability.file_system ? std::string(csi::NameOf(*use.capability.file_system)) : "";
  value["mountFlags"] = use.capability.mount_flags;
  value["readOnly"] = use.read_only;
  return value;
}

Result<Use> ReadUse(const json::Value& value) {
  Use use;
  std::string access_type;
  std::string file_system;
  int access_mode = 0;
  RETURN_IF_ERROR(json::ReadRequired(value, "accessType", access_type));
  RETURN_IF_ERROR(json::ReadRequired(value, "accessMode", access_mode));
  RETURN_IF_ERROR(json::ReadRequired(value, "fileSystem", file_system));
  RETURN_IF_ERROR(json::ReadRequired(value, "mountFlags", use.capability.mount_flags));
  RETURN_IF_ERROR(json::ReadRequired(value, "readOnly", use.read_only));
  if (access_type != "mount" && access_type != "block") {
    return Fail(Code::kInvalidArgument, "accessType: unexpected {}", access_type);
  }
  use.capability.access_type = access_type == "mount" ? AccessType::kMount : AccessType::kBlock;
  use.capability.file_system = FileSystemNamed(file_system);
  ASSIGN_OR_RETURN(use.capability.access_mode, AccessModeOf(access_mode));
  return use;
}

}  // namespace trivet::csi::fields
