#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "netpolicy/model/address.h"
#include "netpolicy/paths.h"

namespace trivet::netpolicy {

/// /etc/trivet/netpolicy.json; flags override it.
struct Config {
  std::vector<std::filesystem::path> manifests{kDefaultManifests};  // folders
  std::filesystem::path socket = kDefaultSocket;
  std::filesystem::path state_directory = kDefaultStateDirectory;
  std::vector<Range> node_ranges;  // "nodeRanges"; see World
};

/// Errors: kInvalidArgument naming the key and the reason; an unknown key is one.
Result<Config> ParseConfig(std::string_view text);

/// Reads and parses `file`. Errors: kNotFound when it is absent.
Result<Config> LoadConfig(const std::filesystem::path& file);

/// "10.88.0.0/16", each. Errors: kInvalidArgument.
Result<std::vector<Range>> ParseRanges(const std::vector<std::string>& texts);

}  // namespace trivet::netpolicy
