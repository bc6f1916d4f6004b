#include "cni/sender_rules.h"

#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "cni/link.h"
#include "cni/packet_family.h"

namespace trivet::cni::sender_rules {
namespace {

constexpr uint32_t kBridgePreRouting = 0;  // NF_BR_PRE_ROUTING, linux/netfilter_bridge.h
constexpr int32_t kBeforeOthers = -300;    // NF_BR_PRI_NAT_DST_BRIDGED
constexpr uint32_t kSender = 4;            // a register, behind the sixteen bytes of a port's name
constexpr uint32_t kArpSenderOffset = 14;  // RFC 826, of six and four bytes of address
const nft::Verdict kDropSender{NF_DROP, ""};
const nft::Verdict kAcceptSender{NF_ACCEPT, ""};

nft::Bytes EtherType(uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

// Frames of one type, tags included: the kernel gives the tag's own type, also where it keeps the
// tag beside the frame.
nft::Rule FramesOf(uint16_t ethertype) {
  nft::Rule rule;
  rule.Payload(NFT_PAYLOAD_LL_HEADER, offsetof(ethhdr, h_proto), sizeof ethertype)
      .Equal(EtherType(ethertype));
  return rule;
}

nft::Rule PacketsOf(Side side, const PacketFamily& family) {
  if (side == Side::kBridge) return FramesOf(family.v4 ? ETH_P_IP : ETH_P_IPV6);
  nft::Rule rule;
  rule.Meta(NFT_META_NFPROTO).Equal(nft::Bytes(1, static_cast<char>(family.number)));
  return rule;
}

// The address at register kSender is not the port's.
void DropForeign(nft::Rule& rule, bool v4) {
  rule.Meta(NFT_META_IIFNAME).LookupNot(SenderSet(v4).name).Counter().Decide(kDropSender);
}

nft::Rule DropTagged(uint16_t ethertype) {
  nft::Rule rule = FramesOf(ethertype);
  rule.Meta(NFT_META_IIFNAME).Lookup(UntaggedSet().name).Decide(kDropSender);
  return rule;
}

nft::Rule AcceptUnbound() {
  nft::Rule rule;
  rule.Meta(NFT_META_IIFNAME).LookupNot(BoundSet().name).Decide(kAcceptSender);
  return rule;
}

// Who asks whether an address is free has none yet (RFC 5227).
nft::Rule DropForeignArp() {
  nft::Rule rule = FramesOf(ETH_P_ARP);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSenderOffset, sizeof(in_addr), kSender)
      .NotEqual(nft::Bytes(sizeof(in_addr), '\0'), kSender);
  DropForeign(rule, true);
  return rule;
}

// Neighbour advertisements tell of the address in the message, whoever they are from (RFC 4861).
nft::Rule DropForeignAdvertisements() {
  nft::Rule rule = FramesOf(ETH_P_IPV6);
  rule.Meta(NFT_META_L4PROTO)
      .Equal(nft::Bytes(1, IPPROTO_ICMPV6))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1)
      .Equal(nft::Bytes(1, static_cast<char>(ND_NEIGHBOR_ADVERT)))
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, sizeof(icmp6_hdr), sizeof(in6_addr), kSender);
  DropForeign(rule, false);
  return rule;
}

// Duplicate address detection, router solicitations and multicast listeners (RFC 4862, 4861, 3590),
// all of which stay on the link.
nft::Rule AcceptUnspecified(Side side, const PacketFamily& ipv6) {
  const nft::Bytes link_local_multicast("\xff\x02", 2);
  nft::Rule rule = PacketsOf(side, ipv6);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6.source_offset, ipv6.address_bytes)
      .Equal(nft::Bytes(ipv6.address_bytes, '\0'))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, ipv6.destination_offset, 2)
      .Equal(link_local_multicast)
      .Meta(NFT_META_L4PROTO)
      .Equal(nft::Bytes(1, IPPROTO_ICMPV6))
      .Decide(kAcceptSender);
  return rule;
}

nft::Rule DropForeignPackets(Side side, const PacketFamily& family) {
  nft::Rule rule = PacketsOf(side, family);
  rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, family.source_offset, family.address_bytes, kSender);
  DropForeign(rule, family.v4);
  return rule;
}

std::vector<nft::Rule> RulesOf(Side side) {
  const bool bridge = side == Side::kBridge;
  std::vector<nft::Rule> rules;
  if (bridge) rules = {DropTagged(ETH_P_8021Q), DropTagged(ETH_P_8021AD)};
  rules.push_back(AcceptUnbound());
  if (bridge) {
    rules.push_back(DropForeignArp());
    rules.push_back(DropForeignAdvertisements());
  }
  for (const PacketFamily& family : PacketFamilies()) {
    if (!family.v4) rules.push_back(AcceptUnspecified(side, family));
    rules.push_back(DropForeignPackets(side, family));
  }
  return rules;
}

nft::Hook HookOf(Side side) {
  if (side == Side::kBridge) return {.number = kBridgePreRouting, .priority = kBeforeOthers};
  return {.number = NF_INET_PRE_ROUTING, .priority = NF_IP_PRI_RAW};
}

}  // namespace

nft::Set UntaggedSet() {
  return {.name = "untagged", .key = {nft::Type::kInterfaceName}};
}

nft::Set BoundSet() {
  return {.name = "bound", .key = {nft::Type::kInterfaceName}};
}

nft::Set SenderSet(bool v4) {
  return {
      .name = v4 ? "senders_v4" : "senders_v6",
      .key = {nft::Type::kInterfaceName, v4 ? nft::Type::kIpv4Address : nft::Type::kIpv6Address}};
}

nft::Table TableOf(Side side) {
  const bool bridge = side == Side::kBridge;
  return {.family = static_cast<uint8_t>(bridge ? NFPROTO_BRIDGE : NFPROTO_INET),
          .name = "trivet_senders"};
}

nft::Frame FrameOf(Side side) {
  nft::Frame frame{.table = TableOf(side),
                   .sets = {BoundSet(), SenderSet(true), SenderSet(false)},
                   .chains = {}};
  if (side == Side::kBridge) frame.sets.push_back(UntaggedSet());
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = {
      .name = "senders", .hook = HookOf(side), .comment = "what pods with a policy may send"};
  filled.rules = RulesOf(side);
  return frame;
}

nft::Element PortElement(const std::string& port) {
  return {.key = nft::InterfaceKey(port), .last = {}, .verdict = {}};
}

nft::Element SenderElement(const std::string& port, const IpAddress& sender) {
  nft::Element element{.key = {}, .last = {}, .verdict = {}};
  nft::Concat(element.key, nft::InterfaceKey(port));
  nft::Concat(element.key, BytesOf(sender));
  return element;
}

std::string PortOf(const nft::Element& element) {
  return element.key.substr(0, std::min<size_t>(element.key.find('\0'), IFNAMSIZ));
}

IpAddress LinkLocalOf(const std::string& mac) {
  constexpr std::byte kUniversal{0x02};
  const auto m = MacBytes(mac);
  constexpr std::byte kZero{0};
  const std::array<std::byte, 16> bytes{std::byte{0xfe},
                                        std::byte{0x80},
                                        kZero,
                                        kZero,
                                        kZero,
                                        kZero,
                                        kZero,
                                        kZero,
                                        m[0] ^ kUniversal,
                                        m[1],
                                        m[2],
                                        std::byte{0xff},
                                        std::byte{0xfe},
                                        m[3],
                                        m[4],
                                        m[5]};
  return *IpAddress::FromBytes(bytes);
}

}  // namespace trivet::cni::sender_rules
