#include "csi/service/fields.h"

#include <algorithm>

#include "csi/filesystem/mount_flags.h"

namespace trivet::csi {
namespace {

constexpr size_t kMaxStringBytes = 128;
constexpr size_t kMaxMapBytes = 4096;
constexpr size_t kMaxPathBytes = 4095;                           // PATH_MAX, without the NUL
constexpr std::string_view kKubernetes = "csi.storage.k8s.io/";  // the sidecars' own parameters

bool HasControlCharacter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

Result<AccessMode> ParseMode(::csi::v1::VolumeCapability::AccessMode::Mode mode) {
  using Wire = ::csi::v1::VolumeCapability::AccessMode;
  switch (mode) {
    case Wire::SINGLE_NODE_WRITER:
      return AccessMode::kSingleNodeWriter;
    case Wire::SINGLE_NODE_READER_ONLY:
      return AccessMode::kSingleNodeReaderOnly;
    case Wire::SINGLE_NODE_SINGLE_WRITER:
      return AccessMode::kSingleNodeSingleWriter;
    case Wire::SINGLE_NODE_MULTI_WRITER:
      return AccessMode::kSingleNodeMultiWriter;
    case Wire::UNKNOWN:
      return Fail(Code::kInvalidArgument, "volume_capability: access_mode: missing");
    default:
      return Fail(Code::kInvalidArgument,
                  "volume_capability: access_mode: {} is not supported, a volume is on one node",
                  static_cast<int>(mode));
  }
}

Result<FileSystem> ParseFileSystem(std::string_view field, std::string_view name) {
  if (const auto found = FileSystemNamed(name)) return *found;
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\", want ext4, xfs or btrfs", field,
              name.substr(0, kMaxStringBytes));
}

Result<Provisioning> ParseProvisioning(std::string_view name) {
  if (name == "thick") return Provisioning::kThick;
  if (name == "thin") return Provisioning::kThin;
  return Fail(Code::kInvalidArgument, "provisioning: unexpected \"{}\", want thick or thin", name);
}

Result<bool> ParseEncryption(std::string_view name) {
  if (name == "none" || name == "luks") return name == "luks";
  return Fail(Code::kInvalidArgument, "encryption: unexpected \"{}\", want none or luks", name);
}

Result<> ParseMount(const ::csi::v1::VolumeCapability::MountVolume& mount, Capability& out) {
  out.access_type = AccessType::kMount;
  if (!mount.volume_mount_group().empty()) {
    return Fail(Code::kInvalidArgument,
                "volume_capability: volume_mount_group: VOLUME_MOUNT_GROUP is not supported");
  }
  if (!mount.fs_type().empty()) {
    ASSIGN_OR_RETURN(out.file_system, ParseFileSystem("fs_type", mount.fs_type()),
                     "volume_capability");
  }
  out.mount_flags.assign(mount.mount_flags().begin(), mount.mount_flags().end());
  RETURN_IF_ERROR(ParseMountFlags(out.mount_flags), "volume_capability");
  return {};
}

Result<> CheckId(std::string_view field, const std::string& id) {
  if (id.empty()) return Fail(Code::kInvalidArgument, "{}: missing", field);
  if (id.size() <= kMaxStringBytes) return {};
  return Fail(Code::kInvalidArgument, "{}: {} bytes, more than {}", field, id.size(),
              kMaxStringBytes);
}

}  // namespace

Result<> CheckVolumeId(const std::string& id) {
  return CheckId("volume_id", id);
}

Result<> CheckSnapshotId(const std::string& id) {
  return CheckId("snapshot_id", id);
}

Result<> CheckGroupId(const std::string& id) {
  return CheckId("group_snapshot_id", id);
}

Result<std::filesystem::path> ParsePath(std::string_view field, const std::string& path) {
  if (path.empty()) return Fail(Code::kInvalidArgument, "{}: missing", field);
  if (path.size() > kMaxPathBytes) {
    return Fail(Code::kInvalidArgument, "{}: longer than {} bytes", field, kMaxPathBytes);
  }
  if (HasControlCharacter(path)) {
    return Fail(Code::kInvalidArgument, "{}: control character", field);
  }
  const std::filesystem::path parsed(path);
  if (!parsed.is_absolute()) {
    return Fail(Code::kInvalidArgument, "{}: {}: not an absolute path", field, path);
  }
  if (std::ranges::find(parsed, "..") != parsed.end()) {
    return Fail(Code::kInvalidArgument, "{}: {}: holds \"..\"", field, path);
  }
  if (parsed.lexically_normal() == "/") {
    return Fail(Code::kInvalidArgument, "{}: {}: the root is no place for a volume", field, path);
  }
  return parsed;
}

Result<Capability> ParseCapability(const ::csi::v1::VolumeCapability& capability) {
  Capability parsed;
  if (capability.has_mount()) {
    RETURN_IF_ERROR(ParseMount(capability.mount(), parsed));
  } else if (capability.has_block()) {
    parsed.access_type = AccessType::kBlock;
  } else {
    return Fail(Code::kInvalidArgument, "volume_capability: access_type: missing");
  }
  ASSIGN_OR_RETURN(parsed.access_mode, ParseMode(capability.access_mode().mode()));
  return parsed;
}

Result<Capability> ParseCapability(bool given, const ::csi::v1::VolumeCapability& capability) {
  if (!given) return Fail(Code::kInvalidArgument, "volume_capability: missing");
  return ParseCapability(capability);
}

Result<std::vector<Capability>> ParseCapabilities(
    const ::google::protobuf::RepeatedPtrField<::csi::v1::VolumeCapability>& capabilities) {
  if (capabilities.empty()) return Fail(Code::kInvalidArgument, "volume_capabilities: missing");
  std::vector<Capability> parsed;
  for (const auto& capability : capabilities) {
    ASSIGN_OR_RETURN(Capability one, ParseCapability(capability));
    parsed.push_back(std::move(one));
  }
  return parsed;
}

Result<CapacityRange> ParseRange(const ::csi::v1::CapacityRange& range) {
  if (range.required_bytes() < 0 || range.limit_bytes() < 0) {
    return Fail(Code::kInvalidArgument, "capacity_range: negative");
  }
  const CapacityRange parsed{.required_bytes = static_cast<uint64_t>(range.required_bytes()),
                             .limit_bytes = static_cast<uint64_t>(range.limit_bytes())};
  if (parsed.limit_bytes != 0 && parsed.limit_bytes < parsed.required_bytes) {
    return Fail(Code::kOutOfRange, "capacity_range: limit_bytes {} is below required_bytes {}",
                parsed.limit_bytes, parsed.required_bytes);
  }
  return parsed;
}

Result<Parameters> ParseParameters(const StringMap& parameters) {
  RETURN_IF_ERROR(CheckMap("parameters", parameters));
  Parameters parsed;
  for (const auto& [key, value] : parameters) {
    if (key == "pool") {
      parsed.pool = value;
    } else if (key == "provisioning") {
      ASSIGN_OR_RETURN(parsed.provisioning, ParseProvisioning(value), "parameters");
    } else if (key == "encryption") {
      ASSIGN_OR_RETURN(parsed.encrypted, ParseEncryption(value), "parameters");
    } else if (key == "fsType") {
      ASSIGN_OR_RETURN(parsed.file_system, ParseFileSystem("fsType", value), "parameters");
    } else if (!key.starts_with(kKubernetes)) {
      return Fail(Code::kInvalidArgument, "parameters: {}: unknown key", key);
    }
  }
  return parsed;
}

Result<MutableParameters> ParseMutable(const StringMap& parameters) {
  RETURN_IF_ERROR(CheckMap("mutable_parameters", parameters));
  return Changed({}, {parameters.begin(), parameters.end()});
}

Result<> CheckSnapshotParameters(const StringMap& parameters) {
  RETURN_IF_ERROR(CheckMap("parameters", parameters));
  for (const auto& [key, value] : parameters) {
    if (key.starts_with(kKubernetes)) continue;
    return Fail(Code::kInvalidArgument, "parameters: {}: unknown key", key);
  }
  return {};
}

Result<> CheckMap(std::string_view field, const StringMap& map) {
  size_t bytes = 0;
  for (const auto& [key, value] : map) bytes += key.size() + value.size();
  if (bytes <= kMaxMapBytes) return {};
  return Fail(Code::kInvalidArgument, "{}: {} bytes, more than {}", field, bytes, kMaxMapBytes);
}

}  // namespace trivet::csi
