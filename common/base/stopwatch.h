#pragma once

#include <chrono>

namespace trivet {

/// How long a step takes; runs from its construction or the last Lap().
class Stopwatch {
 public:
  /// Milliseconds since the last call.
  double Lap() {
    const auto now = Clock::now();
    const std::chrono::duration<double, std::milli> took = now - start_;
    start_ = now;
    return took.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace trivet
