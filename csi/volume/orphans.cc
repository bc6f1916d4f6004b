#include "csi/volume/orphans.h"

#include <spdlog/spdlog.h>

namespace trivet::csi {
namespace {

bool IsKnown(const Stores& stores, const std::string& id) {
  return IsSnapshotId(id) ? stores.snapshots.Find(id).has_value()
                          : stores.volumes.Find(id).has_value();
}

}  // namespace

void ReportOrphans(const Pools& pools, const Stores& stores) {
  for (const auto& pool : pools.all()) {
    const auto ids = pool->List();
    if (!ids) {
      spdlog::error("not listed pool={} reason=\"{}\"", pool->name(), ids.error().message());
      continue;
    }
    for (const std::string& id : *ids) {
      if (IsKnown(stores, id)) continue;
      const auto size_bytes = pool->SizeOf(id);
      if (size_bytes && *size_bytes) {
        pool->Adopt(id, {.size_bytes = **size_bytes, .is_snapshot = IsSnapshotId(id)});
      }
      spdlog::warn("no readable record id={} pool={}", id, pool->name());
    }
  }
}

}  // namespace trivet::csi
