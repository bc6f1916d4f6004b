#include "csi/metrics.h"

#include <fmt/format.h>

#include <map>

namespace trivet::csi {
namespace {

void Head(std::string& text, std::string_view name, std::string_view help,
          std::string_view kind = "gauge") {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
}

void WritePools(std::string& text, const Pools& pools) {
  Head(text, "trivet_csi_pool_up", "1 when the pool's storage can be reached.");
  std::map<std::string, Space> spaces;
  for (const auto& pool : pools.all()) {
    const auto space = pool->Measure();
    if (space) spaces[pool->name()] = *space;
    text += fmt::format("trivet_csi_pool_up{{pool=\"{}\"}} {}\n", pool->name(), space ? 1 : 0);
  }
  Head(text, "trivet_csi_pool_bytes", "Space of the pool's file system.");
  for (const auto& [pool, space] : spaces) {
    const auto line = [&](std::string_view kind, uint64_t bytes) {
      text +=
          fmt::format("trivet_csi_pool_bytes{{pool=\"{}\",kind=\"{}\"}} {}\n", pool, kind, bytes);
    };
    line("total", space.total_bytes);
    line("free", space.free_bytes);
    line("promised", space.promised_bytes);
    line("unwritten", space.unwritten_bytes);
    line("available", AvailableBytes(space));
  }
}

template <class Record>
void WriteCounts(std::string& text, std::string_view name, std::string_view help,
                 const std::vector<Record>& records) {
  std::map<std::string, std::pair<size_t, uint64_t>> by_pool;
  for (const Record& record : records) {
    auto& [count, bytes] = by_pool[record.pool];
    ++count;
    bytes += record.size_bytes;
  }
  Head(text, name, help);
  for (const auto& [pool, sum] : by_pool) {
    text += fmt::format("{}{{pool=\"{}\"}} {}\n", name, pool, sum.first);
  }
  const std::string sizes = fmt::format("{}_bytes", name);
  Head(text, sizes, "Their sizes together.");
  for (const auto& [pool, sum] : by_pool) {
    text += fmt::format("{}{{pool=\"{}\"}} {}\n", sizes, pool, sum.second);
  }
}

void WriteHealth(std::string& text, const Health& health) {
  std::map<std::string, size_t> by_reason;
  for (const auto& [id, problems] : health.List("", 0).volumes) {
    for (const HealthProblem& problem : problems) ++by_reason[problem.reason];
  }
  Head(text, "trivet_csi_unwell_volumes", "Volumes with something wrong.");
  for (const auto& [reason, count] : by_reason) {
    text += fmt::format("trivet_csi_unwell_volumes{{reason=\"{}\"}} {}\n", reason, count);
  }
}

void WriteCalls(std::string& text, const CallNumbers& calls) {
  Head(text, "trivet_csi_calls_total", "Calls that were answered, by gRPC code.", "counter");
  for (const auto& [method, numbers] : calls) {
    for (const auto& [code, count] : numbers.by_code) {
      text += fmt::format("trivet_csi_calls_total{{method=\"{}\",code=\"{}\"}} {}\n", method, code,
                          count);
    }
  }
  Head(text, "trivet_csi_call_seconds_total", "How long they took together.", "counter");
  for (const auto& [method, numbers] : calls) {
    text +=
        fmt::format("trivet_csi_call_seconds_total{{method=\"{}\"}} {}\n", method, numbers.seconds);
  }
}

}  // namespace

std::string WriteMetrics(const Stores& stores, const Pools& pools, const Health& health,
                         const CallNumbers& calls) {
  std::string text;
  WritePools(text, pools);
  WriteCounts(text, "trivet_csi_volumes", "Volumes of the pool.", stores.volumes.All());
  WriteCounts(text, "trivet_csi_snapshots", "Snapshots of the pool.", stores.snapshots.All());
  WriteHealth(text, health);
  WriteCalls(text, calls);
  return text;
}

}  // namespace trivet::csi
