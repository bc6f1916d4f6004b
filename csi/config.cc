#include "csi/config.h"

#include <set>

#include "common/base/json.h"
#include "common/linux/file.h"

namespace trivet::csi {
namespace {

// A topology key holds it: "pool-" and the name are at most 63 characters and end with none of "-".
Result<> CheckPoolName(std::string_view name) {
  constexpr size_t kMaxNameBytes = 58;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (name.empty() || name.size() > kMaxNameBytes || name.ends_with('-') ||
      name.find_first_not_of(kAllowed) != std::string_view::npos) {
    return Fail(Code::kInvalidArgument,
                "name: unexpected \"{}\", want 1-58 of a-z 0-9 -, not with - at its end", name);
  }
  return {};
}

Result<> CheckPath(std::string_view key, const std::filesystem::path& path) {
  if (path.is_absolute() && path == path.lexically_normal()) return {};
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\", want an absolute path without ..",
              key, path.native());
}

// Source: lvm(8), "Valid names"; a name reaches lvm as an argument.
Result<> CheckLvmName(std::string_view key, std::string_view name) {
  constexpr size_t kMaxNameBytes = 127;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
  const bool fits = !name.empty() && name.size() <= kMaxNameBytes && !name.starts_with('-') &&
                    name != "." && name != ".." &&
                    name.find_first_not_of(kAllowed) == std::string_view::npos;
  if (fits) return {};
  return Fail(Code::kInvalidArgument, "{}: unexpected \"{}\", want a name of LVM's", key, name);
}

Result<PoolType> ParseType(std::string_view type) {
  if (type == "file") return PoolType::kFile;
  if (type == "lvm") return PoolType::kLvm;
  if (type == "device") return PoolType::kDevice;
  return Fail(Code::kInvalidArgument, "type: unexpected \"{}\", want file, lvm or device", type);
}

Result<> ReadWipe(const json::Value& entry, Wipe& out) {
  std::string wipe = "zero";
  RETURN_IF_ERROR(json::ReadOptional(entry, "wipe", wipe));
  if (wipe != "zero" && wipe != "discard") {
    return Fail(Code::kInvalidArgument, "wipe: unexpected \"{}\", want zero or discard", wipe);
  }
  out = wipe == "zero" ? Wipe::kZero : Wipe::kDiscard;
  return {};
}

Result<> ReadFilePool(const json::Value& entry, PoolConfig& pool) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(
      entry, {"name", "type", "path", "limitBytes", "headroomBytes", "maxCopyExtents"}));
  RETURN_IF_ERROR(json::ReadOptional(entry, "maxCopyExtents", pool.max_copy_extents));
  std::string path;
  RETURN_IF_ERROR(json::ReadRequired(entry, "path", path));
  pool.path = path;
  return CheckPath("path", pool.path);
}

// Only where every volume is thin: elsewhere a thick one would meet blocks promised to others.
Result<> ReadOvercommit(const json::Value& entry, PoolConfig& pool) {
  constexpr double kMost = 100;
  if (!entry.contains("overcommitRatio")) return {};
  RETURN_IF_ERROR(json::ReadRequired(entry, "overcommitRatio", pool.overcommit_ratio));
  if (pool.thin_pool.empty()) {
    return Fail(Code::kInvalidArgument, "overcommitRatio: is of a thinPool only");
  }
  if (pool.overcommit_ratio >= 1 && pool.overcommit_ratio <= kMost) return {};
  return Fail(Code::kInvalidArgument, "overcommitRatio: unexpected {}, want 1 to {}",
              pool.overcommit_ratio, kMost);
}

Result<> ReadLvmPool(const json::Value& entry, PoolConfig& pool) {
  RETURN_IF_ERROR(
      json::RejectUnknownKeys(entry, {"name", "type", "volumeGroup", "thinPool", "wipe", "program",
                                      "limitBytes", "headroomBytes", "overcommitRatio"}));
  RETURN_IF_ERROR(json::ReadRequired(entry, "volumeGroup", pool.volume_group));
  RETURN_IF_ERROR(CheckLvmName("volumeGroup", pool.volume_group));
  if (entry.contains("thinPool")) {
    RETURN_IF_ERROR(json::ReadRequired(entry, "thinPool", pool.thin_pool));
    RETURN_IF_ERROR(CheckLvmName("thinPool", pool.thin_pool));
  }
  RETURN_IF_ERROR(ReadOvercommit(entry, pool));
  if (!entry.contains("program")) return ReadWipe(entry, pool.wipe);
  std::string program;
  RETURN_IF_ERROR(json::ReadRequired(entry, "program", program));
  pool.program = program;
  RETURN_IF_ERROR(CheckPath("program", pool.program));
  return ReadWipe(entry, pool.wipe);
}

Result<> ReadDevicePool(const json::Value& entry, PoolConfig& pool) {
  RETURN_IF_ERROR(
      json::RejectUnknownKeys(entry, {"name", "type", "devices", "wipe", "limitBytes"}));
  std::vector<std::string> devices;
  RETURN_IF_ERROR(json::ReadRequired(entry, "devices", devices));
  if (devices.empty()) return Fail(Code::kInvalidArgument, "devices: want at least one");
  for (const std::string& device : devices) {
    RETURN_IF_ERROR(CheckPath("devices", device));
    pool.devices.emplace_back(device);
  }
  return ReadWipe(entry, pool.wipe);
}

Result<PoolConfig> ParsePool(const json::Value& entry) {
  PoolConfig pool;
  std::string type;
  RETURN_IF_ERROR(json::ReadRequired(entry, "name", pool.name));
  RETURN_IF_ERROR(CheckPoolName(pool.name));
  RETURN_IF_ERROR(json::ReadRequired(entry, "type", type));
  ASSIGN_OR_RETURN(pool.type, ParseType(type));
  RETURN_IF_ERROR(json::ReadOptional(entry, "limitBytes", pool.limit_bytes));
  RETURN_IF_ERROR(json::ReadOptional(entry, "headroomBytes", pool.headroom_bytes));
  switch (pool.type) {
    case PoolType::kFile:
      RETURN_IF_ERROR(ReadFilePool(entry, pool));
      break;
    case PoolType::kLvm:
      RETURN_IF_ERROR(ReadLvmPool(entry, pool));
      break;
    case PoolType::kDevice:
      RETURN_IF_ERROR(ReadDevicePool(entry, pool));
      break;
  }
  return pool;
}

// What two pools must not share: each would promise the same space.
std::string StorageOf(const PoolConfig& pool) {
  switch (pool.type) {
    case PoolType::kFile:
      return fmt::format("the path {}", pool.path.native());
    case PoolType::kLvm:
      return pool.thin_pool.empty()
                 ? fmt::format("the volume group {}", pool.volume_group)
                 : fmt::format("the thin pool {}/{}", pool.volume_group, pool.thin_pool);
    case PoolType::kDevice:
      break;
  }
  return "";  // which devices there are is known when they are looked at
}

Result<> RejectDuplicates(const std::vector<PoolConfig>& pools) {
  std::set<std::string> names;
  std::set<std::string> storages;
  for (const PoolConfig& pool : pools) {
    if (!names.insert(pool.name).second) {
      return Fail(Code::kInvalidArgument, "pools: two are named {}", pool.name);
    }
    const std::string storage = StorageOf(pool);
    if (!storage.empty() && !storages.insert(storage).second) {
      return Fail(Code::kInvalidArgument, "pools: two have {}", storage);
    }
  }
  return {};
}

}  // namespace

Config DefaultConfig(const Paths& paths) {
  return {.pools = {{.name = "default", .path = paths.default_pool()}}};
}

Result<Config> ParseConfig(std::string_view text) {
  ASSIGN_OR_RETURN(const json::Value root, json::ParseWithComments(text));
  RETURN_IF_ERROR(json::RejectUnknownKeys(root, {"pools"}));
  const auto pools = root.find("pools");
  if (pools == root.end() || !pools->is_array() || pools->empty()) {
    return Fail(Code::kInvalidArgument, "pools: want a list of at least one pool");
  }
  Config config;
  for (size_t i = 0; i < pools->size(); ++i) {
    ASSIGN_OR_RETURN(PoolConfig pool, ParsePool((*pools)[i]), fmt::format("pools: [{}]", i));
    config.pools.push_back(std::move(pool));
  }
  RETURN_IF_ERROR(RejectDuplicates(config.pools));
  return config;
}

Result<Config> LoadConfig(const std::filesystem::path& file, const Paths& paths) {
  auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound) return DefaultConfig(paths);
  RETURN_IF_ERROR(text);
  ASSIGN_OR_RETURN(Config config, ParseConfig(*text), file.native());
  return config;
}

}  // namespace trivet::csi
