#pragma once

#include <cstdint>

#include "cni/bandwidth/bandwidth_conf.h"

namespace trivet::cni {

/// A limit in the kernel's units. Source: tc_tbf_qopt in linux/pkt_sched.h; man 8 tc-tbf.
struct TokenBucket {
  uint64_t rate_bytes_per_second = 0;
  uint32_t buffer_ticks = 0;  // how long the burst takes at the rate; 64 ns each
  uint32_t limit_bytes = 0;   // what may wait for tokens; more is dropped
  bool operator==(const TokenBucket&) const = default;
};

/// Packets wait 25 ms at most, as with the reference plugin. What is too large for the kernel's
/// units becomes their largest number. `limit` is not empty.
TokenBucket MakeTokenBucket(const BandwidthLimit& limit);

}  // namespace trivet::cni
