#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/paths.h"

namespace trivet::csi {

/// What a pool is made of.
enum class PoolType { kFile, kLvm, kDevice };

/// How the bytes of a deleted volume are made unreadable, where the storage does not do so itself.
enum class Wipe {
  kZero,     // all of them are overwritten
  kDiscard,  // given up by the device: for those whose discarded blocks read as zeros
};

/// One entry of "pools" in csi.json.
struct PoolConfig {
  std::string name;  // what the StorageClass parameter "pool" says
  PoolType type = PoolType::kFile;
  std::filesystem::path path;                  // of a file pool: its folder
  std::string volume_group;                    // of an LVM pool
  std::string thin_pool;                       // likewise; empty: its volumes are thick
  std::filesystem::path program;               // likewise: the lvm program; empty: this node's
  std::vector<std::filesystem::path> devices;  // of a device pool: paths, or patterns of glob(7)
  Wipe wipe = Wipe::kZero;                     // not of a file pool
  uint64_t limit_bytes = 0;                    // of all volumes together; 0 = what the storage has
  uint64_t headroom_bytes = 0;                 // kept free; 0 = the type's own: docs/csi.md
  double overcommit_ratio = 1;                 // of a thin pool: what may be promised of its size
  uint64_t max_copy_extents =
      0;  // of a file pool's volume in use that may be copied; 0 = any number

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
