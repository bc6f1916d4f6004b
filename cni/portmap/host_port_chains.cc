#include <linux/rtnetlink.h>
#include <netinet/in.h>
// After glibc's header, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
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

nft::Chain RegularChain(const std::string& name, std::string comment = {}) {
  return {.name = name, .hook = {}, .comment = std::move(comment)};
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

std::vector<nft::Rule> HostPortRules() {
  std::vector<nft::Rule> rules;
  rules.push_back(SpareLoopback6());
  for (const PacketFamily& family : PacketFamilies()) {
    for (const bool bound : {true, false}) {
      rules.push_back(LoadKey(family, bound));
      rules.back().LookupVerdict(PolicyMap(family, bound).name);
      rules.push_back(Translate(family, bound));
    }
  }
  return rules;
}

template <class... Rules>
void AddTo(nft::Frame& frame, nft::Chain chain, Rules... rules) {
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = std::move(chain);
  (filled.rules.push_back(std::move(rules)), ...);
}

}  // namespace

nft::Frame HostPortFrame() {
  nft::Frame frame{.table = HostPortsTable(), .sets = AllMaps(), .chains = {}};
  frame.sets.push_back(LocalnetSet());
  AddTo(frame, RegularChain(kHostPorts));
  frame.chains.back().rules = HostPortRules();
  AddTo(frame, BaseChain("prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST),
        ToHostPorts());
  AddTo(frame, BaseChain("output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST), ToHostPorts());
  const PacketFamily& v4 = FamilyOf(Loopback().address);
  AddTo(frame, BaseChain(kGuard, "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW),
        Guard(v4.source_offset), Guard(v4.destination_offset));
  return frame;
}

void AddPolicy(nft::Frame& frame, const PortPolicy& policy) {
  const std::string mark = MarkChainName(policy.mark_bit);
  const bool has_mark =
      std::any_of(frame.chains.begin(), frame.chains.end(),
                  [&](const nft::FilledChain& filled) { return filled.chain.name == mark; });
  if (policy.snat && !has_mark) {
    AddTo(frame, BaseChain(mark.c_str(), "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC),
          MakeMasqueradeRule(policy.mark_bit));
  }
  AddTo(frame, RegularChain(PolicyChainName(policy), policy.subnet.Network().ToString()));
  frame.chains.back().rules = MakePolicyRules(policy);
}

void FlushHostPortChains(nft::Transaction& transaction) {
  for (const nft::FilledChain& filled : HostPortFrame().chains) {
    transaction.FlushChain(filled.chain.name);
  }
}

}  // namespace trivet::cni
