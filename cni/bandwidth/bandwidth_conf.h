#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cni/ip_prefix.h"
#include "cni/net_conf.h"
#include "common/base/error.h"

namespace trivet::cni {

/// How fast one direction may be. Both zero: no limit.
struct BandwidthLimit {
  uint64_t rate_bits_per_second = 0;
  uint64_t burst_bits = 0;
  [[nodiscard]] bool empty() const { return rate_bits_per_second == 0; }
  bool operator==(const BandwidthLimit&) const = default;
};

/// Which traffic a limit is for, by the address at the other end.
struct ShapedPeers {
  enum class Kind { kAll, kOnlyListed, kAllButListed };
  Kind kind = Kind::kAll;
  std::vector<IpPrefix> subnets;  // none for kAll
};

/// The keys of type "bandwidth". Source: the reference plugin's README; CNI's CONVENTIONS.md,
/// "bandwidth".
struct BandwidthConf {
  BandwidthLimit ingress;  // what the container receives
  BandwidthLimit egress;   // what it sends
  ShapedPeers peers;
  [[nodiscard]] bool empty() const { return ingress.empty() && egress.empty(); }
};

/// The limits of the configuration where it has any of their keys, else those of
/// runtimeConfig.bandwidth. Errors: kInvalidArgument that names the key.
Result<BandwidthConf> ParseBandwidthConf(const NetConf& conf);

}  // namespace trivet::cni
