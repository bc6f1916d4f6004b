#include "tests/bench/shim/samples.h"

#include <algorithm>
#include <cstdio>

#include "common/base/json.h"

namespace trivet::bench {
namespace {

double Milliseconds(Samples::Clock::duration taken) {
  return std::chrono::duration<double, std::milli>(taken).count();
}

}  // namespace

void Samples::Print() {
  for (auto& [name, times] : samples_) {
    std::ranges::sort(times);
    std::printf("%-44s p50 %7.3f ms   p95 %7.3f ms   best %7.3f ms   n %zu\n", name.c_str(),
                Milliseconds(times[times.size() / 2]), Milliseconds(times[times.size() * 95 / 100]),
                Milliseconds(times.front()), times.size());
  }
}

std::string Samples::ToJson(Clock::duration whole, const Result<>& outcome) const {
  if (!outcome) return json::Write({{"error", outcome.error().message()}});
  json::Value times = json::Value::object();
  for (const auto& [name, taken] : samples_) {
    for (const auto& one : taken) times[name].push_back(Milliseconds(one));
  }
  return json::Write({{"seconds", std::chrono::duration<double>(whole).count()}, {"ms", times}});
}

}  // namespace trivet::bench
