#include "cni/portmap/port_policy.h"

#include <netinet/in.h>
// After glibc's header, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "cni/hash.h"
#include "cni/packet_family.h"

namespace trivet::cni {
namespace {

constexpr std::string_view kPolicyChains = "pods_";

// A packet mark is a number of the host's byte order.
nft::Bytes MarkBytes(uint32_t mark) {
  nft::Bytes bytes(sizeof mark, '\0');
  std::memcpy(bytes.data(), &mark, sizeof mark);
  return bytes;
}

void SetMarkBit(nft::Rule& rule, uint32_t bit) {
  rule.Meta(NFT_META_MARK).Bitwise(MarkBytes(~(1U << bit)), MarkBytes(1U << bit)).SetMark();
}

nft::Rule MarkFrom(const IpPrefix& source, uint32_t bit) {
  nft::Rule rule;
  MatchPrefix(rule, FamilyOf(source.address).source_offset, source, true);
  SetMarkBit(rule, bit);
  return rule;
}

nft::Rule SpareUnless(const Condition& condition) {
  const PacketFamily& family = FamilyOf(condition.prefix.address);
  nft::Rule rule;
  MatchPrefix(rule, condition.of_source ? family.source_offset : family.destination_offset,
              condition.prefix, condition.negated);
  rule.Decide({.code = NF_ACCEPT, .chain = {}});
  return rule;
}

}  // namespace

IpPrefix Loopback() {
  constexpr std::array<std::byte, 4> kNetwork{std::byte{127}};
  constexpr uint8_t kLength = 8;
  return {.address = *IpAddress::FromBytes(kNetwork), .length = kLength};
}

void MatchPrefix(nft::Rule& rule, uint32_t offset, const IpPrefix& prefix, bool is_in) {
  const nft::Bytes network = BytesOf(prefix.Network().address);
  const auto bytes = static_cast<uint32_t>(network.size());
  rule.Meta(NFT_META_NFPROTO)
      .Equal(nft::Bytes(1, static_cast<char>(FamilyOf(prefix.address).number)))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, offset, bytes)
      .Bitwise(MaskOf(prefix), nft::Bytes(bytes, '\0'));
  if (is_in) {
    rule.Equal(network);
  } else {
    rule.NotEqual(network);
  }
}

std::string PolicyChainName(const PortPolicy& policy) {
  std::string text = fmt::format("{} {} {} {}", policy.subnet.Network().ToString(), policy.snat,
                                 policy.masquerade_all, policy.mark_bit);
  for (const Condition& condition : policy.conditions) {
    text += fmt::format(" {}{}{}", condition.negated ? "!" : "", condition.of_source ? 's' : 'd',
                        condition.prefix.ToString());
  }
  return fmt::format("{}{:016x}", kPolicyChains, Hash(text));
}

bool IsPolicyChain(std::string_view name) {
  return name.starts_with(kPolicyChains);
}

std::vector<nft::Rule> MakePolicyRules(const PortPolicy& policy) {
  std::vector<nft::Rule> rules;
  for (const Condition& condition : policy.conditions) rules.push_back(SpareUnless(condition));
  if (!policy.snat) {
    rules.emplace_back().Decide({.code = NFT_RETURN, .chain = {}});  // no chain is without rules
    return rules;
  }
  if (policy.masquerade_all) {
    SetMarkBit(rules.emplace_back(), policy.mark_bit);
    return rules;
  }
  rules.push_back(MarkFrom(policy.subnet, policy.mark_bit));
  if (policy.subnet.address.is_v4()) rules.push_back(MarkFrom(Loopback(), policy.mark_bit));
  return rules;
}

std::string MarkChainName(uint32_t mark_bit) {
  return fmt::format("masquerade_{}", mark_bit);
}

nft::Rule MakeMasqueradeRule(uint32_t mark_bit) {
  const nft::Bytes bit = MarkBytes(1U << mark_bit);
  nft::Rule rule;
  rule.Meta(NFT_META_MARK).Bitwise(bit, nft::Bytes(bit.size(), '\0')).Equal(bit).Masquerade();
  return rule;
}

}  // namespace trivet::cni
