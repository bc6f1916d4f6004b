#include "cri-runtime/service/metric.h"

// How long tasks waited for a resource: "waiting" some of them, "stalled" all of them.
namespace trivet::cri::metric {
namespace {

constexpr uint64_t kUsPerSecond = 1'000'000;

using Resource = std::optional<Pressure> CgroupStats::*;
using Line = PressureLine Pressure::*;

template <Resource kResource, Line kLine>
std::vector<Point> PressurePoints(const Sample& s) {
  const auto& pressure = s.cgroup.*kResource;
  if (!pressure) return {};  // cgroup v1, or a kernel without PSI
  return One(((*pressure).*kLine).total_us / kUsPerSecond);
}

Metric PressureCounter(std::string_view name, std::string_view help,
                       std::vector<Point> (*points)(const Sample&)) {
  return {.name = name,
          .help = help,
          .kind = Kind::kCounter,
          .scope = Scope::kBoth,
          .labels = {},
          .points = points};
}

const std::vector<Metric> kPressure{
    PressureCounter("container_pressure_cpu_waiting_seconds_total",
                    "Time that tasks waited for CPU.",
                    PressurePoints<&CgroupStats::cpu_pressure, &Pressure::some>),
    PressureCounter("container_pressure_cpu_stalled_seconds_total",
                    "Time that all tasks waited for CPU.",
                    PressurePoints<&CgroupStats::cpu_pressure, &Pressure::full>),
    PressureCounter("container_pressure_memory_waiting_seconds_total",
                    "Time that tasks waited for memory.",
                    PressurePoints<&CgroupStats::memory_pressure, &Pressure::some>),
    PressureCounter("container_pressure_memory_stalled_seconds_total",
                    "Time that all tasks waited for memory.",
                    PressurePoints<&CgroupStats::memory_pressure, &Pressure::full>),
    PressureCounter("container_pressure_io_waiting_seconds_total",
                    "Time that tasks waited for I/O.",
                    PressurePoints<&CgroupStats::io_pressure, &Pressure::some>),
    PressureCounter("container_pressure_io_stalled_seconds_total",
                    "Time that all tasks waited for I/O.",
                    PressurePoints<&CgroupStats::io_pressure, &Pressure::full>),
};

}  // namespace

std::span<const Metric> PressureMetrics() {
  return kPressure;
}

}  // namespace trivet::cri::metric
