#include "csi/pool/pools.h"

#include <algorithm>
#include <map>

#include "csi/pool/file_pool.h"

namespace trivet::csi {

Result<Pools> Pools::Open(const Config& config) {
  std::vector<std::unique_ptr<Pool>> pools;
  std::map<dev_t, std::string> file_systems;
  for (const PoolConfig& entry : config.pools) {
    ASSIGN_OR_RETURN(std::unique_ptr<FilePool> pool, FilePool::Open(entry));
    const auto [other, is_first] = file_systems.emplace(pool->file_system(), entry.name);
    if (!is_first) {
      return Fail(Code::kInvalidArgument,
                  "pools {} and {} are on one file system: each would promise the same free space",
                  other->second, entry.name);
    }
    pools.push_back(std::move(pool));
  }
  return Pools(std::move(pools));
}

Pool* Pools::Find(const std::string& name) const {
  for (const auto& pool : pools_) {
    if (pool->name() == name) return pool.get();
  }
  return nullptr;
}

Result<Pool*> Pools::Choose(const std::string& name) const {
  if (name.empty()) return pools_.front().get();
  if (Pool* pool = Find(name); pool != nullptr) return pool;
  return Fail(Code::kInvalidArgument, "parameters: pool: there is no pool \"{}\"", name);
}

Result<Pool*> Pools::Named(const std::string& name) const {
  if (Pool* pool = Find(name); pool != nullptr) return pool;
  return Fail(Code::kFailedPrecondition, "its pool {} is not configured", name);
}

Result<Pool*> Pools::Of(const VolumeRecord& record) const {
  ASSIGN_OR_RETURN(Pool* const pool, Named(record.pool), fmt::format("volume {}", record.id));
  return pool;
}

bool Pools::can_copy() const {
  return std::ranges::any_of(pools_, [](const auto& pool) { return pool->can_copy(); });
}

}  // namespace trivet::csi
