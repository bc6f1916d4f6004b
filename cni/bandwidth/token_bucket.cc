#include "cni/bandwidth/token_bucket.h"

#include <algorithm>
#include <limits>

namespace trivet::cni {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;
constexpr double kTicksPerMicrosecond = 15.625;  // PSCHED_SHIFT is 6 since Linux 2.6.31
constexpr double kLatencySeconds = 0.025;
constexpr uint64_t kBitsInByte = 8;

uint32_t Saturate(double value) {
  constexpr auto kMax = std::numeric_limits<uint32_t>::max();
  return value >= kMax ? kMax : static_cast<uint32_t>(value);
}

}  // namespace

TokenBucket MakeTokenBucket(const BandwidthLimit& limit) {
  TokenBucket bucket;
  bucket.rate_bytes_per_second = limit.rate_bits_per_second / kBitsInByte;
  const auto rate = static_cast<double>(bucket.rate_bytes_per_second);
  const auto burst = static_cast<double>(limit.burst_bits / kBitsInByte);
  const uint32_t burst_us = Saturate(burst * kMicrosecondsPerSecond / rate);
  bucket.buffer_ticks = Saturate(burst_us * kTicksPerMicrosecond);
  bucket.limit_bytes = Saturate(static_cast<double>(Saturate(rate * kLatencySeconds)) + burst);
  return bucket;
}

}  // namespace trivet::cni
