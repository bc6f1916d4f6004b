#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cni/portmap/port_map_conf.h"
#include "common/linux/nftables.h"

namespace trivet::cni {

/// What becomes of the connections to the ports of one subnet's containers, beside the translation.
struct PortPolicy {
  IpPrefix subnet;  // the containers'
  bool snat = true;
  bool masquerade_all = false;
  uint32_t mark_bit = 13;
  std::vector<Condition> conditions;  // of the subnet's family
};

/// "pods_1a2b3c4d5e6f7081", which is the same for the same policy.
std::string PolicyChainName(const PortPolicy& policy);
bool IsPolicyChain(std::string_view name);

/// That chain's rules. A connection that does not meet the conditions is accepted as it is; one
/// that the container could not answer otherwise gets the mark: from its own subnet, which it would
/// answer past the node, and from the node's loopback. Others go on.
std::vector<nft::Rule> MakePolicyRules(const PortPolicy& policy);

/// "masquerade_13": what has the mark leaves with the node's address.
std::string MarkChainName(uint32_t mark_bit);
nft::Rule MakeMasqueradeRule(uint32_t mark_bit);

/// Goes on when the packet's address at `offset` is in `prefix`, or when it is not.
void MatchPrefix(nft::Rule& rule, uint32_t offset, const IpPrefix& prefix, bool is_in);

/// 127.0.0.0/8.
IpPrefix Loopback();

}  // namespace trivet::cni
