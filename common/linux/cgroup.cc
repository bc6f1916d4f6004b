#include "common/linux/cgroup.h"

#include <algorithm>
#include <cmath>

#include "common/linux/cgroup_v1.h"
#include "common/linux/cgroup_v2.h"

namespace trivet {

Result<std::unique_ptr<Cgroups>> Cgroups::Open(const std::filesystem::path& root) {
  if (std::filesystem::exists(root / "cgroup.controllers")) return UnifiedCgroups::Open(root);
  return LegacyCgroups::Open(root);
}

// A line through (2, 1), (1024, 100) and (262144, 10000) on logarithmic scales, slightly bent, as
// the field's runtimes draw it since 2025: the older straight one gave a 1-CPU container weight 39.
uint64_t CpuWeightOfShares(uint64_t shares) {
  constexpr uint64_t kMinShares = 2;
  constexpr uint64_t kMaxShares = 262144;
  const double log = std::log2(static_cast<double>(std::clamp(shares, kMinShares, kMaxShares)));
  const double exponent = (log * log + 125 * log) / 612 - 7.0 / 34;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent) - 1e-9));
}

// Mostly nobody is left: nobody is looked for before the kernel says so.
Result<> Cgroups::End(const std::string& group, std::chrono::milliseconds timeout) {
  const Result<> removed = Remove(group);
  if (removed || removed.error().code() != Code::kAborted) return removed;
  RETURN_IF_ERROR(Kill(group, timeout));
  return Remove(group);
}

}  // namespace trivet
