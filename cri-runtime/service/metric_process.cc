#include "cri-runtime/service/metric.h"

// Processes, their descriptors and their age.
namespace trivet::cri::metric {
namespace {

constexpr int64_t kNsInASecond = 1'000'000'000;

// 0 stands for no limit, as in cAdvisor.
constexpr uint64_t kNoLimit = 0;

const std::vector<Metric> kProcess{
    {.name = "container_processes",
     .help = "Processes that run.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(s.processes.processes); }},
    {.name = "container_threads",
     .help = "Threads that run.",
     .points = [](const Sample& s) { return One(s.cgroup.processes); }},
    {.name = "container_threads_max",
     .help = "Most threads that may run; 0 without a limit.",
     .points = [](const Sample& s) { return One(s.details.pids_limit.value_or(kNoLimit)); }},
    {.name = "container_file_descriptors",
     .help = "Open file descriptors.",
     .points = [](const Sample& s) { return One(s.processes.file_descriptors); }},
    {.name = "container_sockets",
     .help = "Open sockets.",
     .points = [](const Sample& s) { return One(s.processes.sockets); }},
    {.name = "container_ulimits_soft",
     .help = "Soft resource limits of the first process; -1 as the largest number is no limit.",
     .labels = {"ulimit"},
     .points = [](const Sample& s) -> std::vector<Point> {
       return {{.labels = {"max_open_files"},
                .value = s.processes.open_files_limit.value_or(UINT64_MAX)}};
     }},
    {.name = "container_start_time_seconds",
     .help = "When it was started, Unix time in seconds.",
     .points =
         [](const Sample& s) {
           const int64_t started_at_ns = s.container->container->state.started_at_ns;
           return One(static_cast<uint64_t>(started_at_ns / kNsInASecond));
         }},
    {.name = "container_last_seen",
     .help = "When these numbers were read, Unix time in seconds.",
     .scope = Scope::kBoth,
     .points = [](const Sample& s) { return One(static_cast<uint64_t>(s.at_ns / kNsInASecond)); }},
};

}  // namespace

std::span<const Metric> ProcessMetrics() {
  return kProcess;
}

}  // namespace trivet::cri::metric
