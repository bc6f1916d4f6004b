#include "cni/firewall/firewall_table.h"

#include <net/if.h>
#include <netinet/in.h>
// After glibc's headers, which the kernel's give way to.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <cstring>

#include "cni/packet_family.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni {
namespace {

constexpr int32_t kFirewallPriority = NF_IP_PRI_FILTER - 5;
constexpr const char* kFirewallChain = "forward";
constexpr size_t kFirewallRules = 6;

nft::Table FirewallTableName() {
  return {.family = NFPROTO_INET, .name = "trivet_firewall"};
}

nft::Set PodSet(const PacketFamily& family) {
  return {.name = fmt::format("pods{}", family.suffix), .key = {family.type}};
}

nft::Set BridgeSet() {
  return {.name = "bridges", .key = {nft::Type::kInterfaceName}};
}

nft::Set SameBridgeMap() {
  return {.name = "same_bridge",
          .key = {nft::Type::kInterfaceName, nft::Type::kInterfaceName},
          .verdicts = true};
}

std::vector<nft::Element> BridgeElements(const std::string& bridge) {
  std::vector<nft::Element> elements;
  elements.push_back({.key = nft::InterfaceKey(bridge), .last = {}, .verdict = {}});
  return elements;
}

std::vector<nft::Element> SameBridgeElements(const std::string& bridge, IngressPolicy policy) {
  const int32_t code = policy == IngressPolicy::kIsolated ? NF_DROP : NF_ACCEPT;
  std::vector<nft::Element> elements;
  elements.push_back({.key = nft::InterfaceKey(bridge) + nft::InterfaceKey(bridge),
                      .last = {},
                      .verdict = nft::Verdict{.code = code, .chain = {}}});
  return elements;
}

std::vector<nft::Element> PodElements(const std::vector<IpAddress>& pods,
                                      const PacketFamily& family) {
  std::vector<nft::Element> elements;
  for (const IpAddress& pod : pods) {
    if (pod.is_v4() != family.v4) continue;
    elements.push_back({.key = BytesOf(pod), .last = {}, .verdict = {}});
  }
  return elements;
}

nft::Rule MatchPod(const PacketFamily& family, uint32_t offset) {
  nft::Rule rule;
  rule.Meta(NFT_META_NFPROTO)
      .Equal(nft::Bytes(1, static_cast<char>(family.number)))
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, offset, family.address_bytes)
      .Lookup(PodSet(family).name);
  return rule;
}

std::vector<nft::Rule> MakeFirewallRules() {
  std::vector<nft::Rule> rules;
  constexpr uint32_t kSecondRegister = IFNAMSIZ / 4;
  const nft::Verdict accept{.code = NF_ACCEPT, .chain = {}};
  nft::Rule same;
  same.Meta(NFT_META_IIFNAME).Meta(NFT_META_OIFNAME, kSecondRegister);
  same.LookupVerdict(SameBridgeMap().name);
  rules.push_back(std::move(same));
  nft::Rule between;
  between.Meta(NFT_META_IIFNAME).Lookup(BridgeSet().name);
  between.Meta(NFT_META_OIFNAME).Lookup(BridgeSet().name);
  between.Decide({.code = NF_DROP, .chain = {}});
  rules.push_back(std::move(between));
  const uint32_t states = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
  nft::Bytes mask(sizeof states, '\0');  // the state is in the host's byte order
  std::memcpy(mask.data(), &states, sizeof states);
  for (const PacketFamily& family : PacketFamilies()) {
    nft::Rule replies = MatchPod(family, family.destination_offset);
    replies.Ct(NFT_CT_STATE).Bitwise(mask, nft::Bytes(mask.size(), '\0'));
    replies.NotEqual(nft::Bytes(mask.size(), '\0')).Decide(accept);
    rules.push_back(std::move(replies));
    nft::Rule sent = MatchPod(family, family.source_offset);
    sent.Decide(accept);
    rules.push_back(std::move(sent));
  }
  return rules;
}

nft::Frame FirewallFrame() {
  nft::Frame frame{
      .table = FirewallTableName(), .sets = {BridgeSet(), SameBridgeMap()}, .chains = {}};
  for (const PacketFamily& family : PacketFamilies()) frame.sets.push_back(PodSet(family));
  nft::FilledChain& filled = frame.chains.emplace_back();
  filled.chain = {.name = kFirewallChain,
                  .hook = nft::Hook{.number = NF_INET_FORWARD, .priority = kFirewallPriority},
                  .comment = {}};
  filled.rules = MakeFirewallRules();
  return frame;
}

Result<> CheckElements(const nft::Set& set, const std::vector<nft::Element>& wanted) {
  if (wanted.empty()) return {};
  const auto there = nft::ReadElements(FirewallTableName(), set);
  const bool all = there && std::all_of(wanted.begin(), wanted.end(), [&](const auto& element) {
                     return std::binary_search(there->begin(), there->end(), element);
                   });
  if (all) return {};
  return Fail(Code::kFailedPrecondition, "firewall: set {} of table {} lacks this pod", set.name,
              FirewallTableName().name);
}

}  // namespace

Result<> FirewallTable::Add(const std::vector<IpAddress>& pods, const std::string& bridge,
                            IngressPolicy policy) {
  return nft::CommitWithin(FirewallFrame(), [&](nft::Transaction& transaction) {
    for (const PacketFamily& family : PacketFamilies()) {
      transaction.AddElements(PodSet(family), PodElements(pods, family), nft::Existing::kIsKept);
    }
    if (policy == IngressPolicy::kOpen) return;
    transaction.AddElements(BridgeSet(), BridgeElements(bridge), nft::Existing::kIsKept);
    transaction.AddElements(SameBridgeMap(), SameBridgeElements(bridge, policy),
                            nft::Existing::kIsKept);
  });
}

Result<> FirewallTable::RemovePods(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(FirewallTableName());
  for (const PacketFamily& family : PacketFamilies()) {
    const auto elements = PodElements(pods, family);
    if (!elements.empty()) transaction.EnsureNoElements(PodSet(family), elements);
  }
  return std::move(transaction).CommitIfThere();
}

Result<> FirewallTable::RetainPods(const std::vector<IpAddress>& pods) {
  nft::Transaction transaction(FirewallTableName());
  for (const PacketFamily& family : PacketFamilies()) {
    ASSIGN_OR_RETURN(auto there, nft::ReadElementsIfThere(FirewallTableName(), PodSet(family)));
    const auto wanted = PodElements(pods, family);
    std::erase_if(there, [&](const nft::Element& element) {
      return std::find(wanted.begin(), wanted.end(), element) != wanted.end();
    });
    if (!there.empty()) transaction.EnsureNoElements(PodSet(family), there);
  }
  return std::move(transaction).CommitIfThere();
}

Result<> FirewallTable::RetainBridges(const std::vector<std::string>& bridges) {
  nft::Transaction transaction(FirewallTableName());
  for (const nft::Set& set : {BridgeSet(), SameBridgeMap()}) {
    ASSIGN_OR_RETURN(auto there, nft::ReadElementsIfThere(FirewallTableName(), set));
    std::erase_if(there, [&](const nft::Element& element) {
      return std::any_of(bridges.begin(), bridges.end(), [&](const std::string& bridge) {
        return element.key.starts_with(nft::InterfaceKey(bridge));
      });
    });
    if (!there.empty()) transaction.DeleteElements(set, there);
  }
  return std::move(transaction).CommitIfThere();
}

Result<> FirewallTable::RemoveUnlessPods() {
  std::vector<nft::Set> sets;
  for (const PacketFamily& family : PacketFamilies()) sets.push_back(PodSet(family));
  return nft::DeleteTableIfEmpty(FirewallTableName(), sets);
}

Result<> FirewallTable::Check(const std::vector<IpAddress>& pods, const std::string& bridge,
                              IngressPolicy policy) {
  for (const PacketFamily& family : PacketFamilies()) {
    RETURN_IF_ERROR(CheckElements(PodSet(family), PodElements(pods, family)));
  }
  if (policy != IngressPolicy::kOpen) {
    RETURN_IF_ERROR(CheckElements(BridgeSet(), BridgeElements(bridge)));
    RETURN_IF_ERROR(CheckElements(SameBridgeMap(), SameBridgeElements(bridge, policy)));
  }
  ASSIGN_OR_RETURN(auto rules, nft::ReadRuleCounts(FirewallTableName()));
  if (rules[kFirewallChain] == kFirewallRules) return {};
  return Fail(Code::kFailedPrecondition, "firewall: chain {} of table {} has {} rules, not {}",
              kFirewallChain, FirewallTableName().name, rules[kFirewallChain], kFirewallRules);
}

}  // namespace trivet::cni
