#include "cri-runtime/container/cdi_spec.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/base/json.h"
#include "common/manifest/manifest.h"

namespace trivet::container::cdi {
namespace {

constexpr std::array<std::string_view, 10> kCdiVersions{
    "0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"};

bool IsAlnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Letters and digits at both ends, of `more` in between.
bool IsCdiWord(std::string_view text, std::string_view more) {
  constexpr size_t kMaxBytes = 253;
  return !text.empty() && text.size() <= kMaxBytes && IsAlnum(text.front()) &&
         IsAlnum(text.back()) && std::ranges::all_of(text, [&](char c) {
           return IsAlnum(c) || more.find(c) != std::string_view::npos;
         });
}

Result<> CheckKind(std::string_view kind) {
  const size_t slash = kind.find('/');
  if (slash != std::string_view::npos && IsCdiWord(kind.substr(0, slash), "_.-") &&
      IsCdiWord(kind.substr(slash + 1), "_.-") &&
      std::isalpha(static_cast<unsigned char>(kind[0])) != 0) {
    return {};
  }
  return Fail(Code::kInvalidArgument, "kind: \"{}\" is no vendor/class", kind.substr(0, 253));
}

Result<> CheckCdiPath(std::string_view field, const std::string& path) {
  const bool control =
      std::ranges::any_of(path, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  const std::filesystem::path parts(path);
  const bool climbs = std::ranges::find(parts, "..") != parts.end();
  if (parts.is_absolute() && !control && !climbs) return {};
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\"", field, control ? "?" : path);
}

Result<> CheckEnv(const std::string& line) {
  const size_t equals = line.find('=');
  if (equals != std::string::npos && equals != 0 && line.find('\0') == std::string::npos) return {};
  return Fail(Code::kInvalidArgument, "env: not NAME=value");
}

// "fileMode", "uid" or "gid".
Result<std::optional<uint32_t>> ReadNumber(const json::Value& node, const char* key) {
  const auto found = node.find(key);
  if (found == node.end() || found->is_null()) return std::nullopt;
  uint32_t number = 0;
  RETURN_IF_ERROR(json::ReadRequired(node, key, number));
  return number;
}

Result<Device> ReadDeviceNode(const json::Value& node) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(node, {"path", "hostPath", "type", "major", "minor",
                                                 "fileMode", "permissions", "uid", "gid"}));
  Device device{.injected = true};
  std::string type;
  RETURN_IF_ERROR(json::ReadRequired(node, "path", device.container_path));
  device.host_path = device.container_path;
  device.permissions = "rwm";
  RETURN_IF_ERROR(json::ReadOptional(node, "hostPath", device.host_path));
  RETURN_IF_ERROR(json::ReadOptional(node, "permissions", device.permissions));
  RETURN_IF_ERROR(json::ReadOptional(node, "type", type));
  RETURN_IF_ERROR(json::ReadOptional(node, "major", device.major));
  RETURN_IF_ERROR(json::ReadOptional(node, "minor", device.minor));
  ASSIGN_OR_RETURN(device.mode, ReadNumber(node, "fileMode"));
  ASSIGN_OR_RETURN(device.uid, ReadNumber(node, "uid"));
  ASSIGN_OR_RETURN(device.gid, ReadNumber(node, "gid"));
  RETURN_IF_ERROR(CheckCdiPath("path", device.container_path));
  RETURN_IF_ERROR(CheckCdiPath("hostPath", device.host_path));
  if (!type.empty() && type != "b" && type != "c" && type != "u") {
    return Fail(Code::kInvalidArgument, "type: unexpected \"{}\"", type);
  }
  if (device.permissions != kNoPermissions &&
      device.permissions.find_first_not_of("rwm") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "permissions: unexpected \"{}\"", device.permissions);
  }
  device.is_block = type == "b";
  if (type.empty()) device.major = device.minor = -1;          // then the node's own is taken
  if (device.major > 0 && device.minor < 0) device.minor = 0;  // Go writes no zeros
  return device;
}

Result<> ReadMountOption(const std::string& option, Mount& mount) {
  static constexpr std::array<std::string_view, 3> kKept{"noexec", "nodev", "nosuid"};
  static constexpr std::array<std::string_view, 11> kUsual{
      "rw",  "bind", "rbind",    "private", "rprivate", "exec",
      "dev", "suid", "relatime", "noatime", "defaults"};
  if (std::ranges::find(kUsual, option) != kUsual.end()) return {};
  if (std::ranges::find(kKept, option) != kKept.end()) {
    mount.options.push_back(option);
  } else if (option == "ro") {
    mount.readonly = true;
  } else if (option == "slave" || option == "rslave") {
    mount.propagation = Propagation::kHostToContainer;
  } else if (option == "shared" || option == "rshared") {
    mount.propagation = Propagation::kBidirectional;
  } else {
    return Fail(Code::kInvalidArgument, "options: unexpected \"{}\"", option);
  }
  return {};
}

Result<Mount> ReadMount(const json::Value& from) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(from, {"hostPath", "containerPath", "options", "type"}));
  Mount mount{.injected = true};
  std::string type;
  std::vector<std::string> options;
  RETURN_IF_ERROR(json::ReadRequired(from, "hostPath", mount.host_path));
  RETURN_IF_ERROR(json::ReadRequired(from, "containerPath", mount.container_path));
  RETURN_IF_ERROR(json::ReadOptional(from, "type", type));
  RETURN_IF_ERROR(json::ReadOptional(from, "options", options));
  RETURN_IF_ERROR(CheckCdiPath("hostPath", mount.host_path));
  RETURN_IF_ERROR(CheckCdiPath("containerPath", mount.container_path));
  if (!type.empty() && type != "bind" && type != "none") {
    return Fail(Code::kUnimplemented, "type: \"{}\" is not supported", type);
  }
  for (const std::string& option : options) RETURN_IF_ERROR(ReadMountOption(option, mount));
  return mount;
}

Result<Hook> ReadHook(const json::Value& from) {
  constexpr int64_t kMaxTimeout = 86400;
  RETURN_IF_ERROR(json::RejectUnknownKeys(from, {"hookName", "path", "args", "env", "timeout"}));
  Hook hook;
  std::string name;
  RETURN_IF_ERROR(json::ReadRequired(from, "hookName", name));
  RETURN_IF_ERROR(json::ReadRequired(from, "path", hook.path));
  RETURN_IF_ERROR(json::ReadOptional(from, "args", hook.args));
  RETURN_IF_ERROR(json::ReadOptional(from, "env", hook.env));
  constexpr auto kNames = Names(HookKind{});
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    return Fail(Code::kInvalidArgument, "hookName: unexpected \"{}\"", name.substr(0, 64));
  }
  hook.kind = static_cast<HookKind>(found - kNames.begin());
  RETURN_IF_ERROR(CheckCdiPath("path", hook.path));
  for (const std::string& arg : hook.args) {
    if (arg.find('\0') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "args: holds a NUL byte");
    }
  }
  for (const std::string& line : hook.env) RETURN_IF_ERROR(CheckEnv(line));
  if (const auto timeout = from.find("timeout"); timeout != from.end() && !timeout->is_null()) {
    RETURN_IF_ERROR(json::ReadRequired(from, "timeout", hook.timeout_seconds));
  }
  if (hook.timeout_seconds < 1 || hook.timeout_seconds > kMaxTimeout) {
    return Fail(Code::kInvalidArgument, "timeout: {} is not 1 to {}", hook.timeout_seconds,
                kMaxTimeout);
  }
  return hook;
}

// Every item of the list `key`, read by `read`; an error names its place.
template <class T>
Result<> ReadList(const json::Value& object, const char* key, std::vector<T>& items,
                  Result<T> (*read)(const json::Value&)) {
  const auto list = object.find(key);
  if (list == object.end() || list->is_null()) return {};
  if (!list->is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", key);
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string place = fmt::format("{}[{}]", key, i);
    if (!(*list)[i].is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", place);
    ASSIGN_OR_RETURN(T item, read((*list)[i]), place);
    items.push_back(std::move(item));
  }
  return {};
}

Result<> RefuseEdit(const json::Value& edits, const char* key, const char* why) {
  const auto found = edits.find(key);
  if (found == edits.end() || found->empty()) return {};
  return Fail(Code::kUnimplemented, "{}: {}", key, why);
}

Result<Edits> ReadEdits(const json::Value& holder) {
  Edits edits;
  const auto found = holder.find("containerEdits");
  if (found == holder.end() || found->is_null()) return edits;
  const json::Value& from = *found;
  if (!from.is_object()) return Fail(Code::kInvalidArgument, "containerEdits: not an object");
  RETURN_IF_ERROR(json::RejectUnknownKeys(from, {"env", "deviceNodes", "netDevices", "mounts",
                                                 "hooks", "additionalGids", "intelRdt"}),
                  "containerEdits");
  RETURN_IF_ERROR(RefuseEdit(from, "netDevices", "network devices are not moved"));
  RETURN_IF_ERROR(RefuseEdit(from, "intelRdt", "Intel RDT is not supported"));
  RETURN_IF_ERROR(json::ReadOptional(from, "env", edits.env), "containerEdits");
  for (const std::string& line : edits.env) RETURN_IF_ERROR(CheckEnv(line), "containerEdits");
  RETURN_IF_ERROR(json::ReadOptional(from, "additionalGids", edits.additional_gids),
                  "containerEdits");
  RETURN_IF_ERROR(ReadList(from, "deviceNodes", edits.devices, ReadDeviceNode), "containerEdits");
  RETURN_IF_ERROR(ReadList(from, "mounts", edits.mounts, ReadMount), "containerEdits");
  RETURN_IF_ERROR(ReadList(from, "hooks", edits.hooks, ReadHook), "containerEdits");
  return edits;
}

Result<NamedDevice> ReadNamedDevice(const json::Value& from) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(from, {"name", "annotations", "containerEdits"}));
  NamedDevice device;
  RETURN_IF_ERROR(json::ReadRequired(from, "name", device.name));
  if (!IsCdiWord(device.name, "_.:-")) {
    return Fail(Code::kInvalidArgument, "name: unexpected \"{}\"", device.name.substr(0, 253));
  }
  ASSIGN_OR_RETURN(device.edits, ReadEdits(from));
  return device;
}

Result<> CheckVersion(const json::Value& root) {
  std::string version;
  RETURN_IF_ERROR(json::ReadRequired(root, "cdiVersion", version));
  const std::string_view number =
      std::string_view(version).substr(version.starts_with('v') ? 1 : 0);
  if (std::ranges::find(kCdiVersions, number) != kCdiVersions.end()) return {};
  return Fail(Code::kInvalidArgument, "cdiVersion: unexpected \"{}\"", version.substr(0, 64));
}

Result<Spec> ReadSpec(const json::Value& root) {
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(json::RejectUnknownKeys(
      root, {"cdiVersion", "kind", "annotations", "devices", "containerEdits"}));
  RETURN_IF_ERROR(CheckVersion(root));
  Spec spec;
  RETURN_IF_ERROR(json::ReadRequired(root, "kind", spec.kind));
  RETURN_IF_ERROR(CheckKind(spec.kind));
  RETURN_IF_ERROR(ReadList(root, "devices", spec.devices, ReadNamedDevice));
  ASSIGN_OR_RETURN(spec.edits, ReadEdits(root));
  return spec;
}

}  // namespace

Result<Spec> ParseSpec(std::string_view text, std::string_view name) {
  ASSIGN_OR_RETURN(const json::Value root, manifest::ParseYaml(text, name));
  ASSIGN_OR_RETURN(Spec spec, ReadSpec(root), name);
  return spec;
}

Result<QualifiedName> ParseQualifiedName(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  const std::string_view device =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (!CheckKind(kind) || !IsCdiWord(device, "_.:-")) {
    return Fail(Code::kInvalidArgument, "\"{}\" is no vendor/class=device", text.substr(0, 253));
  }
  return QualifiedName{std::string(kind), std::string(device)};
}

}  // namespace trivet::container::cdi
