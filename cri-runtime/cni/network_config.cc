#include "cri-runtime/cni/network_config.h"

#include <algorithm>
#include <array>

namespace trivet::network {
namespace {

// The versions whose results this program reads, oldest first.
constexpr std::array<std::string_view, 7> kVersions{"0.1.0", "0.2.0", "0.3.0", "0.3.1",
                                                    "0.4.0", "1.0.0", "1.1.0"};

Result<> CheckName(std::string_view name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
  };
  if (!name.empty() && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
      std::ranges::all_of(name, plain)) {
    return {};
  }
  return Fail(Code::kInvalidArgument, "name: unexpected \"{}\"", name);
}

Result<Plugin> ParsePlugin(const json::Value& config) {
  if (!config.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  Plugin plugin{.config = config};
  RETURN_IF_ERROR(json::ReadRequired(config, "type", plugin.type));
  if (plugin.type.empty() || plugin.type.find('/') != std::string::npos || plugin.type == "." ||
      plugin.type == "..") {
    return Fail(Code::kInvalidArgument, "type: unexpected \"{}\"", plugin.type);
  }
  const auto runtime = config.find("runtimeConfig");
  if (runtime != config.end() && !runtime->is_object() && !runtime->is_null()) {
    return Fail(Code::kInvalidArgument, "runtimeConfig: not an object");
  }
  return plugin;
}

// Of several versions the newest that both sides know.
Result<std::string> ChooseVersion(const json::Value& root) {
  std::string version = "0.2.0";  // the specification's, for a configuration without one
  RETURN_IF_ERROR(json::ReadOptional(root, "cniVersion", version));
  std::vector<std::string> offered;
  RETURN_IF_ERROR(json::ReadOptional(root, "cniVersions", offered));
  offered.push_back(version);
  for (auto known = kVersions.rbegin(); known != kVersions.rend(); ++known) {
    if (std::ranges::find(offered, *known) != offered.end()) return std::string(*known);
  }
  return Fail(Code::kInvalidArgument, "cniVersion: unexpected \"{}\"", version);
}

// libcni takes the text "true", too.
Result<> ReadFlag(const json::Value& root, std::string_view key, bool& flag) {
  const auto found = root.find(key);
  if (found == root.end() || !found->is_string()) return json::ReadOptional(root, key, flag);
  std::string text = found->get<std::string>();
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text != "true" && text != "false") {
    return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\"", key, text);
  }
  flag = text == "true";
  return {};
}

bool IsList(const json::Value& root) {
  return root.contains("plugins") || !root.contains("type");
}

}  // namespace

Result<std::string> FolderOfMorePlugins(const json::Value& root) {
  if (!root.is_object() || !IsList(root)) return std::string();
  bool inlined_only = false;
  RETURN_IF_ERROR(ReadFlag(root, "loadOnlyInlinedPlugins", inlined_only));
  if (inlined_only) return std::string();
  std::string name;
  RETURN_IF_ERROR(json::ReadRequired(root, "name", name));
  RETURN_IF_ERROR(CheckName(name));
  return name;
}

Result<NetworkConfig> ParseNetworkConfig(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::Parse(text));
  if (!root.is_object()) return Fail(Code::kInvalidArgument, "not an object");
  NetworkConfig network{.text = std::string(text)};
  RETURN_IF_ERROR(json::ReadRequired(root, "name", network.name));
  RETURN_IF_ERROR(CheckName(network.name));
  ASSIGN_OR_RETURN(network.cni_version, ChooseVersion(root));
  RETURN_IF_ERROR(ReadFlag(root, "disableCheck", network.check_disabled));
  RETURN_IF_ERROR(ReadFlag(root, "disableGC", network.gc_disabled));

  const auto list = root.find("plugins");
  const json::Value single = json::Value::array({root});
  const json::Value none = json::Value::array();
  const json::Value& plugins = list != root.end() ? *list : IsList(root) ? none : single;
  if (!plugins.is_array() || plugins.empty()) {
    return Fail(Code::kInvalidArgument, "plugins: not a list of at least one");
  }
  for (size_t i = 0; i < plugins.size(); ++i) {
    ASSIGN_OR_RETURN(Plugin plugin, ParsePlugin(plugins[i]), fmt::format("plugins[{}]", i));
    network.plugins.push_back(std::move(plugin));
  }
  return network;
}

json::Value ExecutionConfig(const NetworkConfig& network, const Plugin& plugin,
                            const json::Value& capability_args, const json::Value& prev_result) {
  json::Value config = plugin.config;
  config["name"] = network.name;
  config["cniVersion"] = network.cni_version;
  config.erase("capabilities");
  if (!prev_result.is_null()) config["prevResult"] = prev_result;
  const auto declared = plugin.config.find("capabilities");
  if (declared == plugin.config.end() || !declared->is_object()) return config;
  for (const auto& [name, argument] : capability_args.items()) {
    const auto wanted = declared->find(name);
    if (wanted != declared->end() && wanted->is_boolean() && wanted->get<bool>()) {
      config["runtimeConfig"][name] = argument;
    }
  }
  return config;
}

}  // namespace trivet::network
