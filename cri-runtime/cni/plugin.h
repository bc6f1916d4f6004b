#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "cri-runtime/cni/own_plugins.h"

namespace trivet::network {

/// What a plugin is executed for: the specification's parameters.
struct Attachment {
  std::string container_id;     // the sandbox's id; empty for GC, STATUS and VERSION
  std::filesystem::path netns;  // empty when it is gone
  std::string ifname = "eth0";
  std::vector<std::pair<std::string, std::string>> args;  // CNI_ARGS
};

/// What is to be executed.
struct Execution {
  std::string type;          // file name of the plugin
  std::string_view command;  // "ADD"
  std::chrono::milliseconds timeout = std::chrono::seconds(90);
  Beside beside = {};
};

/// The plugin of that type where it is trivet-cni, whose ways are known, as OwnPlugins::FileOf().
std::shared_ptr<const void> FindOwnPlugin(OwnPlugins& own,
                                          const std::vector<std::filesystem::path>& directories,
                                          const std::string& type);

/// Executes a plugin from the first of `directories` that has it, and returns what it printed, null
/// when that is nothing. Errors: kNotFound without such a program; a plugin's own error with its
/// message, kUnavailable for the specification's code 11 "try again later".
/// Source: CNI specification 1.1, sections 2 and 5.
Result<json::Value> ExecutePlugin(OwnPlugins& own,
                                  const std::vector<std::filesystem::path>& directories,
                                  const Execution& wanted, const Attachment& attachment,
                                  const json::Value& config);

}  // namespace trivet::network
