#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cri-runtime/stats/meter.h"

/// The metrics of ListPodSandboxMetrics: the names, labels and meanings that cAdvisor gave them and
/// dashboards expect.
/// Source: google/cadvisor docs/storage/prometheus.md; cri-tools pkg/validate/pod.go names the 56.
namespace trivet::cri::metric {

/// All that the metrics of one container or pod are made of.
struct Sample {
  const CgroupStats& cgroup;
  CgroupDetails details;
  stats::ProcessCounts processes;
  int64_t at_ns = 0;
  const stats::ContainerSample* container = nullptr;  // null: a pod
  stats::FileSystemSize file_system;
  std::span<const stats::InterfaceUsage> interfaces;  // of a pod
};

/// A value, and the values of the metric's own labels.
struct Point {
  std::vector<std::string> labels;
  uint64_t value = 0;
};

enum class Kind : uint8_t { kCounter, kGauge };
enum class Scope : uint8_t { kContainer, kPod, kBoth };

struct Metric {
  std::string_view name;
  std::string_view help;
  Kind kind = Kind::kGauge;
  Scope scope = Scope::kContainer;
  std::vector<std::string> labels;  // beside the common ones
  std::vector<Point> (*points)(const Sample& sample) = nullptr;
};

std::span<const Metric> CpuMetrics();
std::span<const Metric> MemoryMetrics();
std::span<const Metric> DiskMetrics();
std::span<const Metric> ProcessMetrics();
std::span<const Metric> NetworkMetrics();
std::span<const Metric> PressureMetrics();

/// All of the above.
const std::vector<const Metric*>& AllMetrics();

/// One value without labels of its own; nothing when it is not known.
std::vector<Point> One(std::optional<uint64_t> value);

}  // namespace trivet::cri::metric
