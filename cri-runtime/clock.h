#pragma once

#include <chrono>
#include <cstdint>

namespace trivet::cri {

/// Unix time in nanoseconds: what the CRI's timestamps are.
inline int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace trivet::cri
