#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/paths.h"

namespace trivet::csi {

/// One entry of "pools" in csi.json.
struct PoolConfig {
  std::string name;  // what the StorageClass parameter "pool" says
  std::filesystem::path path;
  uint64_t limit_bytes = 0;       // of all volumes together; 0 = the file system's size
  uint64_t headroom_bytes = 0;    // kept free; 0 = one percent of the file system
  uint64_t max_copy_extents = 0;  // of a volume in use that may be copied; 0 = any number

  bool operator==(const PoolConfig&) const = default;
};

/// /etc/trivet/csi.json. The first pool serves requests that name none.
struct Config {
  std::vector<PoolConfig> pools;
};

/// The one file pool below the state folder, for a node without configuration.
Config DefaultConfig(const Paths& paths);

/// Errors: kInvalidArgument naming the key and the reason; an unknown key is one.
Result<Config> ParseConfig(std::string_view text);

/// Reads and parses `file`; an absent one is DefaultConfig.
Result<Config> LoadConfig(const std::filesystem::path& file, const Paths& paths);

}  // namespace trivet::csi
