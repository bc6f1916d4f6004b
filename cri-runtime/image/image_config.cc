#include "cri-runtime/image/image_config.h"

#include <algorithm>
#include <charconv>

#include "common/base/json.h"
#include "cri-runtime/image/signal_name.h"
#include "cri-runtime/image/text.h"
#include "cri-runtime/image/user.h"

namespace trivet::image {
namespace {

constexpr size_t kMaxItems = 4096;
constexpr size_t kMaxStringBytes = 131071;  // execve(2) takes no longer argument (MAX_ARG_STRLEN)
constexpr size_t kMaxPathBytes = 4095;

std::unexpected<Error> Invalid(std::string_view field, std::string_view value,
                               std::string_view reason) {
  return Fail(Code::kInvalidArgument, "{}: '{}' {}", field, Printable(value), reason);
}

// Arguments and values may hold line feeds (`sh -c` scripts); nothing may hold a NUL.
Result<> CheckString(std::string_view field, std::string_view text) {
  if (text.size() > kMaxStringBytes) return Invalid(field, text, "is longer than 131071 bytes");
  if (text.find('\0') != std::string_view::npos) return Invalid(field, text, "has a NUL");
  return {};
}

Result<> ReadStrings(const json::Value& object, std::string_view field,
                     std::vector<std::string>& out) {
  RETURN_IF_ERROR(json::ReadOptional(object, field, out));
  if (out.size() > kMaxItems) {
    return Fail(Code::kInvalidArgument, "{}: more than {} items", field, kMaxItems);
  }
  for (const std::string& item : out) RETURN_IF_ERROR(CheckString(field, item));
  return {};
}

// "Volumes": {"/data": {}}: the names of an object's members, whatever they hold.
Result<> ReadKeys(const json::Value& object, std::string_view field,
                  std::vector<std::string>& out) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "{}: want an object", field);
  if (found->size() > kMaxItems) {
    return Fail(Code::kInvalidArgument, "{}: more than {} items", field, kMaxItems);
  }
  for (const auto& [key, value] : found->items()) out.push_back(key);
  return {};
}

// A relative path starts at the container's root: containerd takes volumes so.
Result<std::string> MakeAbsolute(std::string_view field, std::string path) {
  if (path.empty()) return Invalid(field, path, "is no path");
  if (!path.starts_with('/')) path.insert(0, "/");
  if (path.size() > kMaxPathBytes) return Invalid(field, path, "is longer than 4095 bytes");
  if (HasControlCharacter(path)) return Invalid(field, path, "has a control character");
  const std::filesystem::path parts(path);
  if (std::ranges::any_of(parts, [](const auto& part) { return part == ".."; })) {
    return Invalid(field, path, "has a '..'");
  }
  return path;
}

Result<> CheckEnvironment(const std::vector<std::string>& environment) {
  for (const std::string& variable : environment) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Invalid("Env", variable, "is not NAME=value");
    }
    if (HasControlCharacter(std::string_view(variable).substr(0, equals))) {
      return Invalid("Env", variable, "has a control character in its name");
    }
  }
  return {};
}

Result<> CheckPort(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view number = text.substr(0, slash);
  const std::string_view protocol =
      slash == std::string_view::npos ? "tcp" : text.substr(slash + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (error != std::errc() || end != number.data() + number.size() || port < 1 || port > 65535) {
    return Invalid("ExposedPorts", text, "has no port from 1 to 65535");
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return Invalid("ExposedPorts", text, "is neither tcp, udp nor sctp");
  }
  return {};
}

Result<> ReadLabels(const json::Value& object, std::map<std::string, std::string>& labels) {
  RETURN_IF_ERROR(json::ReadOptional(object, "Labels", labels));
  if (labels.size() > kMaxItems) {
    return Fail(Code::kInvalidArgument, "Labels: more than {} items", kMaxItems);
  }
  for (const auto& [key, value] : labels) {
    if (HasControlCharacter(key)) return Invalid("Labels", key, "has a control character");
    RETURN_IF_ERROR(CheckString("Labels", value));
  }
  return {};
}

Result<> ReadProcess(const json::Value& object, Config& config) {
  RETURN_IF_ERROR(ReadStrings(object, "Entrypoint", config.entrypoint));
  RETURN_IF_ERROR(ReadStrings(object, "Cmd", config.cmd));
  RETURN_IF_ERROR(ReadStrings(object, "Env", config.env));
  RETURN_IF_ERROR(CheckEnvironment(config.env));
  RETURN_IF_ERROR(json::ReadOptional(object, "WorkingDir", config.working_dir));
  if (!config.working_dir.empty()) {
    ASSIGN_OR_RETURN(config.working_dir, MakeAbsolute("WorkingDir", config.working_dir));
  }
  std::string user;
  RETURN_IF_ERROR(json::ReadOptional(object, "User", user));
  ASSIGN_OR_RETURN(config.user, ParseUser(user), "User");
  std::string signal;
  RETURN_IF_ERROR(json::ReadOptional(object, "StopSignal", signal));
  if (!signal.empty()) {
    ASSIGN_OR_RETURN(config.stop_signal, ParseSignal(signal), "StopSignal");
  }
  return {};
}

Result<> ReadConfig(const json::Value& root, Config& config) {
  const auto found = root.find("config");
  if (found == root.end() || found->is_null()) return {};
  if (!found->is_object()) return Fail(Code::kInvalidArgument, "not an object");
  RETURN_IF_ERROR(ReadProcess(*found, config));
  RETURN_IF_ERROR(ReadLabels(*found, config.labels));
  RETURN_IF_ERROR(ReadKeys(*found, "Volumes", config.volumes));
  for (std::string& path : config.volumes) {
    ASSIGN_OR_RETURN(path, MakeAbsolute("Volumes", path));
  }
  RETURN_IF_ERROR(ReadKeys(*found, "ExposedPorts", config.exposed_ports));
  for (const std::string& port : config.exposed_ports) RETURN_IF_ERROR(CheckPort(port));
  return {};
}

Result<std::vector<Digest>> ReadDiffIds(const json::Value& root) {
  const auto rootfs = root.find("rootfs");
  if (rootfs == root.end()) return Fail(Code::kInvalidArgument, "missing");
  std::string type;
  std::vector<std::string> texts;
  RETURN_IF_ERROR(json::ReadRequired(*rootfs, "type", type));
  if (type != "layers") return Invalid("type", type, "is not 'layers'");
  RETURN_IF_ERROR(json::ReadRequired(*rootfs, "diff_ids", texts));
  std::vector<Digest> diff_ids;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(Digest diff_id, Digest::Parse(text), "diff_ids");
    diff_ids.push_back(std::move(diff_id));
  }
  return diff_ids;
}

}  // namespace

Result<ImageConfig> ParseImageConfig(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  ImageConfig image;
  RETURN_IF_ERROR(json::ReadRequired(root, "os", image.platform.os));
  RETURN_IF_ERROR(json::ReadRequired(root, "architecture", image.platform.architecture));
  ASSIGN_OR_RETURN(image.diff_ids, ReadDiffIds(root), "rootfs");
  RETURN_IF_ERROR(ReadConfig(root, image.config), "config");
  return image;
}

}  // namespace trivet::image
