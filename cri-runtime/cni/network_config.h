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
  std::vector<Plugin> plugins;  // never empty
  std::string text;             // what it was parsed from
};

/// Reads a list (.conflist), or a single plugin's configuration (.conf) as a list of one.
/// Errors: kInvalidArgument naming the key and the reason.
Result<NetworkConfig> ParseNetworkConfig(std::string_view text);

/// The configuration a plugin is executed with: the list's name and version, the previous result,
/// and of `capability_args` those that the plugin declares.
/// Source: CNI specification 1.1, section 3, "Deriving execution configuration".
json::Value ExecutionConfig(const NetworkConfig& network, const Plugin& plugin,
                            const json::Value& capability_args, const json::Value& prev_result);

}  // namespace trivet::network
