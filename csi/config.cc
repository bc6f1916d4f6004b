#include "csi/config.h"

#include <set>

#include "common/base/json.h"
#include "common/linux/file.h"

namespace trivet::csi {
namespace {

Result<> CheckPoolName(std::string_view name) {
  constexpr size_t kMaxNameBytes = 63;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (name.empty() || name.size() > kMaxNameBytes ||
      name.find_first_not_of(kAllowed) != std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "name: unexpected \"{}\", want 1-63 of a-z 0-9 -", name);
  }
  return {};
}

Result<> CheckPath(const std::filesystem::path& path) {
  if (!path.is_absolute() || path != path.lexically_normal()) {
    return Fail(Code::kInvalidArgument, "path: unexpected \"{}\", want an absolute path without ..",
                path.native());
  }
  return {};
}

Result<PoolConfig> ParsePool(const json::Value& entry) {
  RETURN_IF_ERROR(json::RejectUnknownKeys(
      entry, {"name", "type", "path", "limitBytes", "headroomBytes", "maxCopyExtents"}));
  PoolConfig pool;
  std::string type;
  std::string path;
  RETURN_IF_ERROR(json::ReadRequired(entry, "name", pool.name));
  RETURN_IF_ERROR(CheckPoolName(pool.name));
  RETURN_IF_ERROR(json::ReadRequired(entry, "type", type));
  if (type != "file") {
    return Fail(Code::kInvalidArgument, "type: unexpected \"{}\", want \"file\"", type);
  }
  RETURN_IF_ERROR(json::ReadRequired(entry, "path", path));
  pool.path = path;
  RETURN_IF_ERROR(CheckPath(pool.path));
  RETURN_IF_ERROR(json::ReadOptional(entry, "limitBytes", pool.limit_bytes));
  RETURN_IF_ERROR(json::ReadOptional(entry, "headroomBytes", pool.headroom_bytes));
  RETURN_IF_ERROR(json::ReadOptional(entry, "maxCopyExtents", pool.max_copy_extents));
  return pool;
}

Result<> RejectDuplicates(const std::vector<PoolConfig>& pools) {
  std::set<std::string> seen;
  for (const PoolConfig& pool : pools) {
    if (!seen.insert(pool.name).second) {
      return Fail(Code::kInvalidArgument, "pools: two are named {}", pool.name);
    }
    if (!seen.insert(pool.path).second) {
      return Fail(Code::kInvalidArgument, "pools: two have the path {}", pool.path.native());
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
