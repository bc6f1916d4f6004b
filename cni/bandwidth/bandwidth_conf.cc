#include "cni/bandwidth/bandwidth_conf.h"

#include <algorithm>
#include <array>
#include <limits>

namespace trivet::cni {
namespace {

constexpr std::array<std::string_view, 4> kLimitKeys{"ingressRate", "ingressBurst", "egressRate",
                                                     "egressBurst"};

// The words are the reference's.
Result<> CheckLimit(const BandwidthLimit& limit, std::string_view direction) {
  constexpr uint64_t kBitsPerByte = 8;
  if (limit.rate_bits_per_second != 0 && limit.burst_bits == 0) {
    return Fail(Code::kInvalidArgument, "if rate is set, burst must also be set");
  }
  if (limit.rate_bits_per_second == 0 && limit.burst_bits != 0) {
    return Fail(Code::kInvalidArgument, "if burst is set, rate must also be set");
  }
  if (limit.burst_bits / kBitsPerByte >= std::numeric_limits<uint32_t>::max()) {
    return Fail(Code::kInvalidArgument, "{}Burst: {}: burst cannot be more than 4GB", direction,
                limit.burst_bits);
  }
  // The kernel counts bytes, and zero would be no limit at all.
  if (!limit.empty() && std::min(limit.rate_bits_per_second, limit.burst_bits) < kBitsPerByte) {
    return Fail(Code::kInvalidArgument, "{}Rate, {}Burst: less than 8 bits", direction, direction);
  }
  return {};
}

Result<BandwidthConf> ParseLimits(const json::Value& object) {
  BandwidthConf conf;
  RETURN_IF_ERROR(json::ReadOptional(object, "ingressRate", conf.ingress.rate_bits_per_second));
  RETURN_IF_ERROR(json::ReadOptional(object, "ingressBurst", conf.ingress.burst_bits));
  RETURN_IF_ERROR(json::ReadOptional(object, "egressRate", conf.egress.rate_bits_per_second));
  RETURN_IF_ERROR(json::ReadOptional(object, "egressBurst", conf.egress.burst_bits));
  RETURN_IF_ERROR(CheckLimit(conf.ingress, "ingress"));
  RETURN_IF_ERROR(CheckLimit(conf.egress, "egress"));
  return conf;
}

Result<std::vector<IpPrefix>> ReadSubnets(const json::Value& root, std::string_view key) {
  std::vector<std::string> texts;
  RETURN_IF_ERROR(json::ReadOptional(root, key, texts));
  std::vector<IpPrefix> subnets;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const IpPrefix subnet, IpPrefix::Parse(text), key);
    subnets.push_back(subnet.Network());
  }
  return subnets;
}

// The lists stand beside the limits: in the configuration or in runtimeConfig.bandwidth.
Result<ShapedPeers> ParsePeers(const json::Value& object) {
  ASSIGN_OR_RETURN(auto shaped, ReadSubnets(object, "shapedSubnets"));
  ASSIGN_OR_RETURN(auto unshaped, ReadSubnets(object, "unshapedSubnets"));
  if (!shaped.empty() && !unshaped.empty()) {
    return Fail(Code::kInvalidArgument, "shapedSubnets and unshapedSubnets exclude each other");
  }
  if (!shaped.empty()) return ShapedPeers{ShapedPeers::Kind::kOnlyListed, std::move(shaped)};
  if (!unshaped.empty()) return ShapedPeers{ShapedPeers::Kind::kAllButListed, std::move(unshaped)};
  return ShapedPeers{};
}

}  // namespace

Result<BandwidthConf> ParseBandwidthConf(const NetConf& conf) {
  ASSIGN_OR_RETURN(const json::Value runtime, ReadObject(conf.root, "runtimeConfig"));
  // The reference does not mind case, and this spelling of it is in use.
  const char* const key = runtime.contains("bandwidth") ? "bandwidth" : "bandWidth";
  ASSIGN_OR_RETURN(const json::Value asked, ReadObject(runtime, key), "runtimeConfig");
  const bool fixed = std::any_of(kLimitKeys.begin(), kLimitKeys.end(), [&](std::string_view limit) {
    const auto found = conf.root.find(limit);
    return found != conf.root.end() && !found->is_null();
  });
  ASSIGN_OR_RETURN(BandwidthConf bandwidth, ParseLimits(fixed ? conf.root : asked));
  ASSIGN_OR_RETURN(bandwidth.peers, ParsePeers(conf.root));
  if (bandwidth.peers.kind != ShapedPeers::Kind::kAll || fixed) return bandwidth;
  ASSIGN_OR_RETURN(bandwidth.peers, ParsePeers(asked), "runtimeConfig.bandwidth");
  return bandwidth;
}

}  // namespace trivet::cni
