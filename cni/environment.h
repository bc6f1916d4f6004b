#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace trivet::cni {

/// kPrepare is no command of the specification: trivet-cri's, for an ADD that may come.
enum class Command { kAdd, kDel, kCheck, kGc, kStatus, kVersion, kPrepare };

/// What a runtime says by environment variables.
/// Source: CNI spec 1.1.0, section 2 "Parameters".
struct Environment {
  Command command = Command::kVersion;
  std::string container_id;                        // CNI_CONTAINERID
  std::filesystem::path netns;                     // CNI_NETNS; DEL: empty when it is gone
  std::string ifname;                              // CNI_IFNAME
  std::map<std::string, std::string> args;         // CNI_ARGS
  std::vector<std::filesystem::path> plugin_path;  // CNI_PATH

  /// The value of a CNI_ARGS key; empty when it is not given.
  [[nodiscard]] std::string Arg(const std::string& key) const;
};

/// Reads one variable: std::getenv in the program, a map in tests.
using LookUpVariable = std::function<std::optional<std::string>(const std::string& name)>;

/// Validates what the command needs and no more: VERSION needs nothing, DEL no netns.
/// Errors: kInvalidArgument that names the variable; the program answers with error code 4.
Result<Environment> ParseEnvironment(const LookUpVariable& look_up);

/// "K=V;K2=V2". Keys that are not known to trivet are an error unless IgnoreUnknown=1 (or true)
/// is among them, as in the reference plugins. Errors: kInvalidArgument.
Result<std::map<std::string, std::string>> ParseCniArgs(std::string_view text);

/// Letters, digits, '_', '.', '-', not opening with one of the last three; at most 255 bytes.
/// For container ids and network names. Errors: kInvalidArgument.
Result<> CheckIdentifier(std::string_view id);

/// What the kernel takes as an interface name, without control characters.
/// Errors: kInvalidArgument. Source: dev_valid_name in net/core/dev.c.
Result<> CheckInterfaceName(std::string_view name);

}  // namespace trivet::cni
