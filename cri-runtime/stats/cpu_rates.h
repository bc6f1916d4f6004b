#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace trivet::stats {

/// Nanoseconds of CPU per second, from two readings of a counter that only grows. Any thread.
class CpuRates {
 public:
  /// Notes a reading and returns the rate over the last window, which is at least a second long;
  /// nothing before there is one.
  std::optional<uint64_t> Update(const std::string& group, int64_t now_ns, uint64_t usage_ns);

  /// Forgets the groups that were not read for ten minutes.
  void Forget(int64_t now_ns);

 private:
  struct Reading {
    int64_t at_ns = 0;
    uint64_t usage_ns = 0;
    std::optional<uint64_t> rate;
  };
  std::mutex mutex_;
  std::map<std::string, Reading> readings_;
};

}  // namespace trivet::stats
