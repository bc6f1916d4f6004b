#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"

/// The runtime's side of CNI: configuration lists, the plugins' execution, their results.
namespace trivet::network {

struct Plugin {
  std::string type;    // file name of the executable
  json::Value config;  // as written
};

/// A network configuration list.
/// Source: CNI specification 1.1, section 1.
struct NetworkConfig {
  std::string name;
  std::string cni_version;
  bool check_disabled = false;  // "disableCheck": CHECK must not be executed
  bool gc_disabled = false;     // "disableGC"
  std::vector<Plugin> plugins;  // never empty
  std::string text;             // what it was parsed from
};

/// Reads a list (.conflist), or a single plugin's configuration (.conf) as a list of one. Of
/// "cniVersions" the highest that this program knows is chosen.
/// Errors: kInvalidArgument naming the key and the reason.
Result<NetworkConfig> ParseNetworkConfig(std::string_view text);

/// The name of the folder beside the list from which plugins are to be added, empty when the list
/// has them all. Errors: kInvalidArgument.
/// Source: CNI specification 1.1, section 1, "loadOnlyInlinedPlugins".
Result<std::string> FolderOfMorePlugins(const json::Value& root);

/// The configuration a plugin is executed with: the list's name and version, the previous result,
/// and of `capability_args` those that the plugin declares.
/// Source: CNI specification 1.1, section 3, "Deriving execution configuration".
json::Value ExecutionConfig(const NetworkConfig& network, const Plugin& plugin,
                            const json::Value& capability_args, const json::Value& prev_result);

}  // namespace trivet::network
