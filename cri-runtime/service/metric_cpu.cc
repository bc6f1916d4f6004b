#include "cri-runtime/service/metric.h"

// Use of processors, and what was asked for.
namespace trivet::cri::metric {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kDefaultPeriodUs = 100'000;  // the kernel's
constexpr uint64_t kDefaultShares = 1024;

const container::Resources& Asked(const Sample& s) {
  return s.container->container->state.resources;
}

std::optional<uint64_t> Positive(int64_t value, uint64_t otherwise) {
  return value > 0 ? static_cast<uint64_t>(value) : otherwise;
}

const std::vector<Metric> kCpu{
    {.name = "container_cpu_usage_seconds_total",
     .help = "CPU time used, in seconds.",
     .kind = Kind::kCounter,
     .scope = Scope::kBoth,
     .labels = {"cpu"},
     .points = [](const Sample& s) -> std::vector<Point> {
       return {{.labels = {"total"}, .value = s.cgroup.cpu_usage_ns / kNsPerSecond}};
     }},
    {.name = "container_cpu_user_seconds_total",
     .help = "CPU time used in user mode, in seconds.",
     .kind = Kind::kCounter,
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.details.cpu_user_ns / kNsPerSecond); }},
    {.name = "container_cpu_system_seconds_total",
     .help = "CPU time used in the kernel, in seconds.",
     .kind = Kind::kCounter,
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.details.cpu_system_ns / kNsPerSecond); }},
    {.name = "container_cpu_cfs_periods_total",
     .help = "Enforcement periods that have passed.",
     .kind = Kind::kCounter,
     .points = [](const Sample& s) { return One(s.details.cpu_periods); }},
    {.name = "container_cpu_cfs_throttled_periods_total",
     .help = "Enforcement periods in which the quota was used up.",
     .kind = Kind::kCounter,
     .points = [](const Sample& s) { return One(s.details.cpu_throttled_periods); }},
    {.name = "container_cpu_cfs_throttled_seconds_total",
     .help = "Time spent throttled, in seconds.",
     .kind = Kind::kCounter,
     .points = [](const Sample& s) { return One(s.details.cpu_throttled_ns / kNsPerSecond); }},
    {.name = "container_spec_cpu_period",
     .help = "Length of the CPU enforcement period, in microseconds.",
     .points =
         [](const Sample& s) { return One(Positive(Asked(s).cpu_period_us, kDefaultPeriodUs)); }},
    {.name = "container_spec_cpu_quota",
     .help = "CPU time per enforcement period, in microseconds; absent without a limit.",
     .points =
         [](const Sample& s) {
           const int64_t quota_us = Asked(s).cpu_quota_us;
           return quota_us > 0 ? One(static_cast<uint64_t>(quota_us)) : std::vector<Point>{};
         }},
    {.name = "container_spec_cpu_shares",
     .help = "Share of CPU time when it is scarce; 1024 is one CPU's worth.",
     .points = [](const Sample& s) { return One(Positive(Asked(s).cpu_shares, kDefaultShares)); }},
};

}  // namespace

std::span<const Metric> CpuMetrics() {
  return kCpu;
}

}  // namespace trivet::cri::metric
