#pragma once

#include <time.h>

#include <cstdint>

namespace trivet::shim {

inline int64_t UnixTimeNs() {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kNanoseconds + now.tv_nsec;
}

}  // namespace trivet::shim
