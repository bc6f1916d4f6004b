#include "cri-runtime/stats/cpu_rates.h"

namespace trivet::stats {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMemoryNs = 600 * kSecondNs;

}  // namespace

std::optional<uint64_t> CpuRates::Update(const std::string& group, int64_t now_ns,
                                         uint64_t usage_ns) {
  const std::scoped_lock lock(mutex_);
  const auto [found, is_new] = readings_.try_emplace(group, Reading{now_ns, usage_ns, {}});
  Reading& reading = found->second;
  const int64_t window_ns = now_ns - reading.at_ns;
  if (is_new || window_ns < kSecondNs) return reading.rate;
  if (usage_ns >= reading.usage_ns) {
    const double used = static_cast<double>(usage_ns - reading.usage_ns);
    reading.rate = static_cast<uint64_t>(used * kSecondNs / static_cast<double>(window_ns));
  }
  reading.at_ns = now_ns;
  reading.usage_ns = usage_ns;
  return reading.rate;
}

void CpuRates::Forget(int64_t now_ns) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(readings_,
                [&](const auto& entry) { return now_ns - entry.second.at_ns > kMemoryNs; });
}

}  // namespace trivet::stats
