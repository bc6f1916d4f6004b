#include "tests/bench/shim/samples.h"

#include <algorithm>
#include <cstdio>

namespace trivet::bench {

void Samples::Print() {
  const auto milliseconds = [](Clock::duration taken) {
    return std::chrono::duration<double, std::milli>(taken).count();
  };
  for (auto& [name, times] : samples_) {
    std::ranges::sort(times);
    std::printf("%-44s p50 %7.3f ms   p95 %7.3f ms   best %7.3f ms   n %zu\n", name.c_str(),
                milliseconds(times[times.size() / 2]), milliseconds(times[times.size() * 95 / 100]),
                milliseconds(times.front()), times.size());
  }
}

}  // namespace trivet::bench
