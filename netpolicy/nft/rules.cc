#include "netpolicy/nft/rules.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <array>

#include "netpolicy/plan/set_builder.h"

namespace trivet::netpolicy {
namespace {

// Before the filter priority (0), so that nobody's accept there comes first.
constexpr int32_t kPriority = -10;
constexpr uint32_t kIpv6PeerRegisters = 4;
constexpr uint32_t kIpv4PeerRegisters = 1;

using Rules = std::vector<nft::Rule>;

const nft::Verdict kDrop{NF_DROP, ""};
const nft::Verdict kAccept{NF_ACCEPT, ""};
const nft::Verdict kReturn{NFT_RETURN, ""};

// Connection states are a number of this machine's byte order.
nft::Bytes HostBytes(uint32_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

nft::Rule InState(uint32_t mask) {
  nft::Rule rule;
  rule.Ct(NFT_CT_STATE).Bitwise(HostBytes(mask), HostBytes(0)).NotEqual(HostBytes(0));
  return rule;
}

// Connections are never tracked for neighbour discovery and multicast listeners, and a bridge
// carries them between pods. Router advertisements and redirects between pods stay out.
void AddNeighbourDiscovery(Rules& rules) {
  constexpr std::array<uint8_t, 7> kTypes{130, 131, 132, 133, 135, 136, 143};  // RFC 4861, 3810
  for (const uint8_t type : kTypes) {
    rules.push_back(InState(NF_CT_STATE_UNTRACKED_BIT)
                        .Meta(NFT_META_L4PROTO)
                        .Equal(nft::Bytes(1, IPPROTO_ICMPV6))
                        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1)
                        .Equal(nft::Bytes(1, static_cast<char>(type)))
                        .Decide(kAccept));
  }
}

struct AddressField {
  uint8_t family;
  uint32_t offset;
  uint32_t length;
  const char* pods;
};

// A packet without a connection has no tuple to judge: it passes only when no pod is an end of it.
void AddInvalidDrops(Rules& rules) {
  constexpr std::array<AddressField, 4> kFields{
      {{NFPROTO_IPV4, 12, 4, fixed_sets::kPods4},  // struct iphdr: saddr, daddr
       {NFPROTO_IPV4, 16, 4, fixed_sets::kPods4},
       {NFPROTO_IPV6, 8, 16, fixed_sets::kPods6},  // struct ipv6hdr: saddr, daddr
       {NFPROTO_IPV6, 24, 16, fixed_sets::kPods6}}};
  for (const AddressField& field : kFields) {
    rules.push_back(InState(NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT)
                        .Meta(NFT_META_NFPROTO)
                        .Equal(nft::Bytes(1, static_cast<char>(field.family)))
                        .Payload(NFT_PAYLOAD_NETWORK_HEADER, field.offset, field.length)
                        .Lookup(field.pods)
                        .Counter()
                        .Decide(kDrop));
  }
}

// What comes from an IPv6 link-local address without a connection and is no neighbour discovery:
// router advertisements and redirects, by which a pod would have others send through it.
void AddLinkLocalDrop(Rules& rules) {
  const nft::Bytes prefix("\xfe\x80", 2);
  const nft::Bytes mask("\xff\xc0", 2);
  rules.push_back(InState(NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT)
                      .Meta(NFT_META_NFPROTO)
                      .Equal(nft::Bytes(1, NFPROTO_IPV6))
                      .Payload(NFT_PAYLOAD_NETWORK_HEADER, 8, 2)  // struct ipv6hdr: saddr
                      .Bitwise(mask, nft::Bytes(mask.size(), '\0'))
                      .Equal(prefix)
                      .Counter()
                      .Decide(kDrop));
}

// A pod that reaches itself through a service: both ends of the connection are its own.
void AddSelfAccepts(Rules& rules) {
  rules.push_back(nft::Rule()
                      .CtTuple(NFT_CT_SRC_IP, IP_CT_DIR_ORIGINAL, 0)
                      .CtTuple(NFT_CT_SRC_IP, IP_CT_DIR_REPLY, kIpv4PeerRegisters)
                      .Lookup(fixed_sets::kSelf4)
                      .Decide(kAccept));
  rules.push_back(nft::Rule()
                      .CtTuple(NFT_CT_SRC_IP6, IP_CT_DIR_ORIGINAL, 0)
                      .CtTuple(NFT_CT_SRC_IP6, IP_CT_DIR_REPLY, kIpv6PeerRegisters)
                      .Lookup(fixed_sets::kSelf6)
                      .Decide(kAccept));
}

struct Dispatch {
  uint8_t side;  // whose source is the pod: IP_CT_DIR_ORIGINAL its own connections, _REPLY to it
  const char* map4;
  const char* map6;
};

// goto, not jump: a pod's class is the last word about its direction, and what follows the map is
// for addresses that are not in it.
void AddDispatch(const Dispatch& dispatch, Rules& rules) {
  rules.push_back(nft::Rule().CtTuple(NFT_CT_SRC_IP, dispatch.side).LookupVerdict(dispatch.map4));
  rules.push_back(nft::Rule().CtTuple(NFT_CT_SRC_IP6, dispatch.side).LookupVerdict(dispatch.map6));
  rules.push_back(nft::Rule()
                      .CtTuple(NFT_CT_SRC_IP, dispatch.side)
                      .Lookup(fixed_sets::kNodeRanges4)
                      .Counter()
                      .Decide(kDrop));
  rules.push_back(nft::Rule()
                      .CtTuple(NFT_CT_SRC_IP6, dispatch.side)
                      .Lookup(fixed_sets::kNodeRanges6)
                      .Counter()
                      .Decide(kDrop));
}

// A bridge's pods hear what is sent to the broadcast address of their network, which the node's
// routes know, or to the hardware's. Only what goes to no pod's own address comes as far as this.
void AddBroadcastDrops(Rules& rules) {
  const auto flooded = [] {
    nft::Rule rule;
    rule.Meta(NFT_META_L4PROTO).Lookup(fixed_sets::kFlooded);
    return rule;
  };
  rules.push_back(
      flooded().FibDestinationType().Equal(HostBytes(RTN_BROADCAST)).Counter().Decide(kDrop));
  rules.push_back(flooded()
                      .Meta(NFT_META_PKTTYPE)
                      .Equal(nft::Bytes(1, PACKET_BROADCAST))
                      .Counter()
                      .Decide(kDrop));
}

// The connection's port as its server sees it: the source of the reply direction.
void MatchPort(uint32_t to, nft::Rule& rule) {
  rule.CtTuple(NFT_CT_PROTO_SRC, IP_CT_DIR_REPLY, to);
}

nft::Rule ToNftRule(const ClassRule& rule, Direction direction) {
  nft::Rule out;
  const uint32_t key = rule.ipv6 ? NFT_CT_SRC_IP6 : NFT_CT_SRC_IP;
  const uint8_t peer_side = direction == Direction::kIngress ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY;
  if (rule.peers) out.CtTuple(key, peer_side).Lookup(*rule.peers);
  if (rule.protocol) out.Ct(NFT_CT_PROTOCOL).Equal(ToBytes(*rule.protocol));
  if (rule.ports) {
    MatchPort(0, out);
    out.Lookup(*rule.ports);
  }
  if (rule.services) {
    out.Ct(NFT_CT_PROTOCOL, 0);
    MatchPort(1, out);
    out.Lookup(*rule.services);
  }
  if (rule.peer_services) {
    const uint32_t next = rule.ipv6 ? kIpv6PeerRegisters : kIpv4PeerRegisters;
    out.CtTuple(key, peer_side, 0).Ct(NFT_CT_PROTOCOL, next);
    MatchPort(next + 1, out);
    out.Lookup(*rule.peer_services);
  }
  out.Decide(kReturn);
  return out;
}

}  // namespace

std::vector<nft::FilledChain> FixedChains() {
  nft::FilledChain from_pod{.chain = {.name = kFromPodChain}, .rules = {}};
  AddDispatch({IP_CT_DIR_ORIGINAL, fixed_sets::kEgress4, fixed_sets::kEgress6}, from_pod.rules);

  nft::FilledChain to_pod{.chain = {.name = kToPodChain}, .rules = {}};
  AddDispatch({IP_CT_DIR_REPLY, fixed_sets::kIngress4, fixed_sets::kIngress6}, to_pod.rules);
  AddBroadcastDrops(to_pod.rules);

  const nft::Hook hook{.number = NF_INET_FORWARD, .priority = kPriority};
  nft::FilledChain forward{.chain = {.name = kForwardChain, .hook = hook}, .rules = {}};
  AddNeighbourDiscovery(forward.rules);
  AddLinkLocalDrop(forward.rules);
  AddInvalidDrops(forward.rules);
  AddSelfAccepts(forward.rules);
  forward.rules.push_back(nft::Rule().Decide({NFT_JUMP, kFromPodChain}));
  forward.rules.push_back(nft::Rule().Decide({NFT_JUMP, kToPodChain}));
  return {from_pod, to_pod, forward};
}

nft::FilledChain Fill(const std::string& name, const ClassChain& chain) {
  nft::FilledChain filled{.chain = {.name = name, .comment = chain.comment}, .rules = {}};
  for (const ClassRule& rule : chain.rules) {
    filled.rules.push_back(ToNftRule(rule, chain.direction));
  }
  filled.rules.push_back(nft::Rule().Counter().Decide(kDrop));
  return filled;
}

}  // namespace trivet::netpolicy
