#include "cri-runtime/cni/config_directory.h"

#include "common/linux/file.h"

namespace trivet::network {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

bool IsConfigName(const std::string& name) {
  return !name.starts_with(".") &&
         (name.ends_with(".conflist") || name.ends_with(".conf") || name.ends_with(".json"));
}

Result<> AppendPlugins(const std::filesystem::path& folder, json::Value& root) {
  const auto names = ListDirectory(folder);
  if (!names && names.error().code() == Code::kNotFound) return {};
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (name.starts_with(".") || !name.ends_with(".conf")) continue;
    const std::filesystem::path file = folder / name;
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxConfigBytes));
    ASSIGN_OR_RETURN(json::Value plugin, json::Parse(text), file.native());
    root["plugins"].push_back(std::move(plugin));
  }
  return {};
}

// The whole list as one text: what is recorded with an attachment needs no folder any more.
Result<std::string> CompleteText(const std::filesystem::path& directory, std::string text) {
  ASSIGN_OR_RETURN(json::Value root, json::Parse(text));
  ASSIGN_OR_RETURN(const std::string folder, FolderOfMorePlugins(root));
  if (folder.empty() || (root.contains("plugins") && !root["plugins"].is_array())) return text;
  const size_t inlined = root.contains("plugins") ? root["plugins"].size() : 0;
  RETURN_IF_ERROR(AppendPlugins(directory / folder, root));
  if (!root.contains("plugins") || root["plugins"].size() == inlined) return text;
  root["loadOnlyInlinedPlugins"] = true;
  return json::Write(root);
}

Result<NetworkConfig> ReadNetworkConfig(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxConfigBytes));
  ASSIGN_OR_RETURN(text, CompleteText(file.parent_path(), std::move(text)), file.native());
  ASSIGN_OR_RETURN(NetworkConfig network, ParseNetworkConfig(text), file.native());
  return network;
}

}  // namespace

Result<NetworkConfig> LoadNetworkConfig(const std::filesystem::path& directory) {
  const auto names = ListDirectory(directory);
  std::string reason;
  if (names) {
    for (const std::string& name : *names) {
      if (!IsConfigName(name)) continue;
      auto network = ReadNetworkConfig(directory / name);
      if (network) return network;
      if (reason.empty()) reason = ": " + network.error().message();
    }
  } else if (names.error().code() != Code::kNotFound) {
    return std::unexpected(names.error());
  }
  return Fail(Code::kNotFound, "no network configuration in {}{}", directory.native(), reason);
}

}  // namespace trivet::network
