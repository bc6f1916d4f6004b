#include "cri-runtime/operations/prometheus.h"

#include <charconv>

#include "common/linux/file.h"

namespace trivet::cri {
namespace {

void Head(std::string& text, std::string_view name, std::string_view kind, std::string_view help) {
  text += fmt::format("# HELP trivet_cri_{0} {2}\n# TYPE trivet_cri_{0} {1}\n", name, kind, help);
}

void AddCalls(const std::map<std::string, rpc::MethodCalls>& calls, std::string& text) {
  Head(text, "calls_total", "counter", "CRI calls that were answered, by method and gRPC code.");
  for (const auto& [method, numbers] : calls) {
    for (const auto& [code, count] : numbers.by_code) {
      text += fmt::format("trivet_cri_calls_total{{method=\"{}\",code=\"{}\"}} {}\n", method, code,
                          count);
    }
  }
  Head(text, "call_seconds", "histogram", "How long the calls took.");
  for (const auto& [method, numbers] : calls) {
    uint64_t sum = 0;
    for (size_t i = 0; i < numbers.buckets.size(); ++i) {
      sum += numbers.buckets[i];
      text += fmt::format("trivet_cri_call_seconds_bucket{{method=\"{}\",le=\"{}\"}} {}\n", method,
                          rpc::MethodCalls::kBucketSeconds[i], sum);
    }
    text += fmt::format("trivet_cri_call_seconds_bucket{{method=\"{}\",le=\"+Inf\"}} {}\n", method,
                        numbers.count);
    text += fmt::format(
        "trivet_cri_call_seconds_sum{{method=\"{0}\"}} {1}\n"
        "trivet_cri_call_seconds_count{{method=\"{0}\"}} {2}\n",
        method, numbers.seconds, numbers.count);
  }
}

template <class Items>
void AddStates(std::string_view name, const Items& items, std::string& text) {
  std::map<std::string_view, uint64_t> counts;
  for (const auto& [id, item] : items) {
    const auto phase = item->state.phase;
    ++counts[Names(phase).at(static_cast<size_t>(phase))];
  }
  Head(text, name, "gauge", "How many there are, by state.");
  for (const auto& [state, count] : counts) {
    text += fmt::format("trivet_cri_{}{{state=\"{}\"}} {}\n", name, state, count);
  }
}

void AddGauge(std::string_view name, std::string_view help, uint64_t value, std::string& text) {
  Head(text, name, "gauge", help);
  text += fmt::format("trivet_cri_{} {}\n", name, value);
}

}  // namespace

std::string PrometheusText(const DaemonFigures& figures) {
  std::string text;
  Head(text, "info", "gauge", "This program.");
  text += "trivet_cri_info{version=\"" TRIVET_VERSION "\"} 1\n";
  AddCalls(figures.calls, text);
  AddStates("sandboxes", figures.snapshot->sandboxes, text);
  AddStates("containers", figures.snapshot->containers, text);
  AddGauge("network_ready", "1 when pods can be attached.", figures.network_ready ? 1 : 0, text);
  AddGauge("running_operations", "RunPodSandbox, CreateContainer and StartContainer that run now.",
           figures.running_operations, text);
  AddGauge("resident_memory_bytes", "Memory of this process.", figures.resident_bytes, text);
  return text;
}

uint64_t ReadResidentBytes() {
  constexpr std::string_view kKey = "VmRSS:";
  constexpr uint64_t kKiB = 1024;
  const auto status = ReadFile("/proc/self/status");
  if (!status) return 0;
  const size_t at = status->find(kKey);
  if (at == std::string::npos) return 0;
  const size_t begin = status->find_first_not_of(" \t", at + kKey.size());
  uint64_t kib = 0;
  std::from_chars(status->data() + begin, status->data() + status->size(), kib);
  return kib * kKiB;
}

}  // namespace trivet::cri
