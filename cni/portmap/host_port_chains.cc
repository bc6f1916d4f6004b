#include <linux/rtnetlink.h>
#include <netinet/in.h>
// After glibc's header, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <cstring>

#include "cni/portmap/host_port_maps.h"
#include "cni/portmap/port_policy.h"

namespace trivet::cni {
namespace {

constexpr const char* kHostPorts = "host_ports";
constexpr const char* kGuard = "loopback_guard";
constexpr uint32_t kValueRegister = 8;          // behind the longest key
constexpr uint32_t kDestinationPortOffset = 2;  // in TCP's, UDP's and SCTP's header alike

nft::Chain BaseChain(const char* name, const char* type, uint32_t hook, int32_t priority) {
  return {.name = name,
          .hook = nft::Hook{.type = type, .number = hook, .priority = priority},
          .comment = {}};
}

std::vector<nft::Chain> HostPortChains() {
  return {{.name = kHostPorts, .hook = {}, .comment = {}},
          BaseChain("prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST),
          BaseChain("output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST),
          BaseChain(kGuard, "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW)};
}

void MatchFamily(nft::Rule& rule, const PacketFamily& family) {
  rule.Meta(NFT_META_NFPROTO).Equal(nft::Bytes(1, static_cast<char>(family.number)));
}

nft::Rule ToHostPorts() {
  const uint32_t local = RTN_LOCAL;  // in the host's byte order
  nft::Bytes bytes(sizeof local, '\0');
  std::memcpy(bytes.data(), &local, sizeof local);
  nft::Rule rule;
  rule.FibDestinationType().Equal(bytes).Decide({.code = NFT_JUMP, .chain = kHostPorts});
  return rule;
}

// IPv6's loopback cannot be left for a container.
nft::Rule SpareLoopback6() {
  const PacketFamily& v6 = PacketFamilies()[1];
  nft::Bytes loopback(v6.address_bytes, '\0');
  loopback.back() = 1;
  nft::Rule rule;
  MatchFamily(rule, v6);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, v6.destination_offset, v6.address_bytes)
      .Equal(loopback)
      .Decide({.code = NFT_RETURN, .chain = {}});
  return rule;
}

// The packet's key in the maps, from register 0 on.
nft::Rule LoadKey(const PacketFamily& family, bool bound) {
  nft::Rule rule;
  MatchFamily(rule, family);
  uint32_t to = 0;
  if (bound) {
    rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination_offset, family.address_bytes);
    to = family.address_bytes / 4;
  }
  rule.Meta(NFT_META_L4PROTO, to)
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, sizeof(uint16_t), to + 1);
  return rule;
}

nft::Rule Translate(const PacketFamily& family, bool bound) {
  nft::Rule rule = LoadKey(family, bound);
  rule.LookupValue(PortMap(family, bound).name, 0, kValueRegister)
      .DestinationNat(family.number, kValueRegister, kValueRegister + family.address_bytes / 4);
  return rule;
}

nft::Rule Guard(uint32_t offset) {
  nft::Rule rule;
  rule.Meta(NFT_META_IIFNAME).Lookup(LocalnetSet().name);
  MatchPrefix(rule, offset, Loopback(), true);
  rule.Decide({.code = NF_DROP, .chain = {}});
  return rule;
}

// chain -> its rules.
std::vector<std::pair<std::string, nft::Rule>> HostPortRules() {
  std::vector<std::pair<std::string, nft::Rule>> rules;
  rules.emplace_back("prerouting", ToHostPorts());
  rules.emplace_back("output", ToHostPorts());
  rules.emplace_back(kHostPorts, SpareLoopback6());
  for (const PacketFamily& family : PacketFamilies()) {
    for (const bool bound : {true, false}) {
      nft::Rule policy = LoadKey(family, bound);
      policy.LookupVerdict(PolicyMap(family, bound).name);
      rules.emplace_back(kHostPorts, std::move(policy));
      rules.emplace_back(kHostPorts, Translate(family, bound));
    }
  }
  const PacketFamily& v4 = FamilyOf(Loopback().address);
  rules.emplace_back(kGuard, Guard(v4.source_offset));
  rules.emplace_back(kGuard, Guard(v4.destination_offset));
  return rules;
}

}  // namespace

void AddHostPortChains(nft::Transaction& transaction) {
  transaction.AddTable(nft::Existing::kIsKept);
  for (const nft::Set& map : AllMaps()) transaction.AddSet(map, nft::Existing::kIsKept);
  transaction.AddSet(LocalnetSet(), nft::Existing::kIsKept);
  for (const nft::Chain& chain : HostPortChains()) {
    transaction.AddChain(chain, nft::Existing::kIsKept);
    transaction.FlushChain(chain.name);
  }
  for (const auto& [chain, rule] : HostPortRules()) transaction.AddRule(chain, rule);
}

std::map<std::string, size_t> HostPortRuleCounts() {
  std::map<std::string, size_t> counts;
  for (const auto& [chain, rule] : HostPortRules()) ++counts[chain];
  return counts;
}

void FlushHostPortChains(nft::Transaction& transaction) {
  for (const nft::Chain& chain : HostPortChains()) transaction.FlushChain(chain.name);
}

nft::Chain MarkChain(uint32_t mark_bit) {
  return BaseChain(MarkChainName(mark_bit).c_str(), "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
}

}  // namespace trivet::cni
