#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace trivet::bench {

/// Times of named steps; the report is in the names' order.
class Samples {
 public:
  using Clock = std::chrono::steady_clock;

  /// Times `step` and gives its result.
  template <class Step>
  auto Time(const std::string& name, Step step) {
    const auto start = Clock::now();
    auto result = step();
    Add(name, Clock::now() - start);
    return result;
  }
  void Add(const std::string& name, Clock::duration taken) { samples_[name].push_back(taken); }
  /// One line per name to stdout: p50, p95, best, count.
  void Print();
  /// One line of JSON: {"seconds": …, "ms": {name: [milliseconds, …]}}, or {"error": …} when
  /// `outcome` is one.
  [[nodiscard]] std::string ToJson(Clock::duration whole, const Result<>& outcome) const;

 private:
  std::map<std::string, std::vector<Clock::duration>> samples_;
};

}  // namespace trivet::bench
