#include "cri-runtime/service/metric.h"

namespace trivet::cri::metric {

std::vector<Point> One(std::optional<uint64_t> value) {
  if (!value) return {};
  return {Point{.labels = {}, .value = *value}};
}

const std::vector<const Metric*>& AllMetrics() {
  static const std::vector<const Metric*> metrics = [] {
    std::vector<const Metric*> all;
    for (const auto part : {CpuMetrics(), MemoryMetrics(), DiskMetrics(), ProcessMetrics(),
                            NetworkMetrics(), PressureMetrics()}) {
      for (const Metric& metric : part) all.push_back(&metric);
    }
    return all;
  }();
  return metrics;
}

}  // namespace trivet::cri::metric
