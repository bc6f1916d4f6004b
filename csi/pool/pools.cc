#include "csi/pool/pools.h"

#include <algorithm>
#include <map>

#include "csi/pool/device_pool.h"
#include "csi/pool/file_pool.h"
#include "csi/pool/lvm_pool.h"

namespace trivet::csi {

namespace {

// What the pools opened so far are on: the file systems of folders, and devices.
using Storage = std::map<dev_t, std::string>;  // -> the pool's name

Result<> Take(Storage& storage, dev_t number, const std::string& pool, std::string_view what) {
  const auto [other, is_first] = storage.emplace(number, pool);
  if (is_first) return {};
  return Fail(Code::kInvalidArgument,
              "pools {} and {} are on one {}: each would promise the same {}", other->second, pool,
              what, what == "device" ? "space" : "free space");
}

Result<std::unique_ptr<Pool>> OpenFilePool(const PoolConfig& config, Storage& storage) {
  ASSIGN_OR_RETURN(std::unique_ptr<FilePool> pool, FilePool::Open(config));
  RETURN_IF_ERROR(Take(storage, pool->file_system(), config.name, "file system"));
  return std::unique_ptr<Pool>(std::move(pool));
}

Result<std::unique_ptr<Pool>> OpenDevicePool(const PoolConfig& config, const Paths& paths,
                                             Storage& storage) {
  ASSIGN_OR_RETURN(std::unique_ptr<DevicePool> pool, DevicePool::Open(config, paths.devices()));
  for (const WholeDevice& device : pool->Devices()) {
    RETURN_IF_ERROR(Take(storage, device.number, config.name, "device"), device.path.native());
  }
  return std::unique_ptr<Pool>(std::move(pool));
}

Result<std::unique_ptr<Pool>> OpenPool(const PoolConfig& config, const Paths& paths,
                                       Storage& storage) {
  switch (config.type) {
    case PoolType::kFile:
      return OpenFilePool(config, storage);
    case PoolType::kLvm:
      return LvmPool::Open(config);
    case PoolType::kDevice:
      return OpenDevicePool(config, paths, storage);
  }
  return Fail(Code::kInternal, "pool {}: unknown type", config.name);
}

}  // namespace

Result<Pools> Pools::Open(const Config& config, const Paths& paths) {
  std::vector<std::unique_ptr<Pool>> pools;
  Storage storage;
  for (const PoolConfig& entry : config.pools) {
    ASSIGN_OR_RETURN(std::unique_ptr<Pool> pool, OpenPool(entry, paths, storage));
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
  return Fail(Code::kResourceExhausted, "parameters: pool: this node has no pool \"{}\"", name);
}

Result<Pool*> Pools::Named(const std::string& name) const {
  if (Pool* pool = Find(name); pool != nullptr) return pool;
  return Fail(Code::kFailedPrecondition, "its pool {} is not configured", name);
}

Result<Pool*> Pools::Of(const VolumeRecord& record) const {
  ASSIGN_OR_RETURN(Pool* const pool, Named(record.pool), fmt::format("volume {}", record.id));
  return pool;
}

bool Pools::can_grow() const {
  return std::ranges::any_of(pools_, [](const auto& pool) { return pool->can_grow(); });
}

bool Pools::can_copy() const {
  return std::ranges::any_of(pools_, [](const auto& pool) { return pool->can_copy(); });
}

}  // namespace trivet::csi
