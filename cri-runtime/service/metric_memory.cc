#include "cri-runtime/service/metric.h"

// Use of memory, and its limits.
namespace trivet::cri::metric {
namespace {

// "container" is the group alone, "hierarchy" with the groups below it: containers have none.
std::vector<Point> Failures(const Sample& s) {
  std::vector<Point> points;
  for (const char* scope : {"container", "hierarchy"}) {
    points.push_back({.labels = {"pgfault", scope}, .value = s.cgroup.page_faults});
    points.push_back({.labels = {"pgmajfault", scope}, .value = s.cgroup.major_page_faults});
  }
  return points;
}

std::vector<Point> Hugepages(const Sample& s, uint64_t HugepageUse::* member) {
  std::vector<Point> points;
  for (const HugepageUse& use : s.details.hugepages) {
    points.push_back({.labels = {use.page_size}, .value = use.*member});
  }
  return points;
}

// Dashboards expect 0 where there is no limit.
std::vector<Point> Limit(const std::optional<uint64_t>& limit) {
  return One(limit.value_or(0));
}

const std::vector<Metric> kMemory{
    {.name = "container_memory_usage_bytes",
     .help = "Memory in use with the page cache, in bytes.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.cgroup.memory_usage_bytes); }},
    {.name = "container_memory_working_set_bytes",
     .help = "Memory in use without the page cache that could be dropped at once, in bytes.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.cgroup.memory_working_set_bytes); }},
    {.name = "container_memory_rss",
     .help = "Anonymous memory, in bytes.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.cgroup.memory_rss_bytes); }},
    {.name = "container_memory_cache",
     .help = "Page cache, in bytes.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.cgroup.memory_cache_bytes); }},
    {.name = "container_memory_swap",
     .help = "Swap space in use, in bytes.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.cgroup.swap_usage_bytes); }},
    {.name = "container_memory_mapped_file",
     .help = "Files mapped into memory, in bytes.",
     .points = [](const Sample& s) { return One(s.cgroup.memory_mapped_file_bytes); }},
    {.name = "container_memory_kernel_usage",
     .help = "Memory that the kernel holds for it, in bytes.",
     .points =
         [](const Sample& s) {
           const bool v2 = s.cgroup.memory_kernel_bytes.has_value();
           return One(v2 ? s.cgroup.memory_kernel_bytes : s.details.memory_kernel_bytes);
         }},
    {.name = "container_memory_max_usage_bytes",
     .help = "Most memory that was in use, in bytes.",
     .points = [](const Sample& s) { return One(s.details.memory_max_usage_bytes); }},
    {.name = "container_memory_failcnt",
     .help = "How often the memory limit was hit.",
     .kind = Kind::kCounter,
     .points = [](const Sample& s) { return One(s.details.memory_failures); }},
    {.name = "container_memory_failures_total",
     .help = "Page faults.",
     .kind = Kind::kCounter,
     .labels = {"failure_type", "scope"},
     .points = Failures},
    {.name = "container_oom_events_total",
     .help = "Processes that were killed for lack of memory.",
     .kind = Kind::kCounter,
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.details.oom_kills); }},
    {.name = "container_spec_memory_limit_bytes",
     .help = "Memory limit, in bytes; 0 without one.",
     .points = [](const Sample& s) { return Limit(s.details.memory_limit_bytes); }},
    {.name = "container_spec_memory_reservation_limit_bytes",
     .help = "Memory that is protected or softly limited, in bytes; 0 without.",
     .points = [](const Sample& s) { return Limit(s.details.memory_reservation_bytes); }},
    {.name = "container_spec_memory_swap_limit_bytes",
     .help = "Swap limit, in bytes; 0 without one.",
     .points = [](const Sample& s) { return Limit(s.details.memory_swap_limit_bytes); }},
    {.name = "container_hugetlb_usage_bytes",
     .help = "Huge pages in use, in bytes.",
     .labels = {"pagesize"},
     .points = [](const Sample& s) { return Hugepages(s, &HugepageUse::usage_bytes); }},
    {.name = "container_hugetlb_max_usage_bytes",
     .help = "Most huge pages that were in use, in bytes.",
     .labels = {"pagesize"},
     .points = [](const Sample& s) { return Hugepages(s, &HugepageUse::max_usage_bytes); }},
};

}  // namespace

std::span<const Metric> MemoryMetrics() {
  return kMemory;
}

}  // namespace trivet::cri::metric
