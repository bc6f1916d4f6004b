#include "netpolicy/plan/compile.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>

#include "netpolicy/model/index.h"
#include "netpolicy/plan/address_book.h"
#include "netpolicy/plan/class_builder.h"
#include "netpolicy/plan/set_builder.h"

namespace trivet::netpolicy {
namespace {

constexpr nft::Type kIp4 = nft::Type::kIpv4Address;
constexpr nft::Type kIp6 = nft::Type::kIpv6Address;
constexpr std::array<uint8_t, 4> kFloodedProtocols{IPPROTO_ICMP, IPPROTO_UDP, IPPROTO_SCTP,
                                                   IPPROTO_UDPLITE};

std::vector<nft::Set> FixedSets() {
  return {
      {.name = fixed_sets::kEgress4, .key = {kIp4}, .verdicts = true},
      {.name = fixed_sets::kEgress6, .key = {kIp6}, .verdicts = true},
      {.name = fixed_sets::kIngress4, .key = {kIp4}, .verdicts = true},
      {.name = fixed_sets::kIngress6, .key = {kIp6}, .verdicts = true},
      {.name = fixed_sets::kPods4, .key = {kIp4}},
      {.name = fixed_sets::kPods6, .key = {kIp6}},
      {.name = fixed_sets::kSelf4, .key = {kIp4, kIp4}},
      {.name = fixed_sets::kSelf6, .key = {kIp6, kIp6}},
      {.name = fixed_sets::kNodeRanges4, .key = {kIp4}, .intervals = true},
      {.name = fixed_sets::kNodeRanges6, .key = {kIp6}, .intervals = true},
      {.name = fixed_sets::kFlooded, .key = {nft::Type::kProtocol}},
  };
}

class Compiler {
 public:
  explicit Compiler(const World& world)
      : world_(world),
        index_(world.cluster),
        addresses_(world),
        sets_(index_, addresses_.pods(), ruleset_) {}

  Ruleset Compile() {
    for (nft::Set& set : FixedSets()) {
      std::string name = set.name;
      ruleset_.sets.emplace(std::move(name), SetContent{std::move(set), {}});
    }
    ruleset_.chains.emplace(kDenyChain, ClassChain{.comment = "pods without a manifest"});
    for (const auto& [address, owner] : addresses_.local()) AddLocalAddress(address, *owner);
    AddNodeRanges();
    for (auto& [name, content] : ruleset_.sets) {
      std::sort(content.elements.begin(), content.elements.end());
    }
    return std::move(ruleset_);
  }

 private:
  using Policies = std::vector<const NetworkPolicy*>;

  void AddElement(const char* set, nft::Element element) {
    ruleset_.sets.at(set).elements.push_back(std::move(element));
  }

  // With a pod that is isolated, what reaches pods by none of their addresses stays out as well.
  void AddNodeRanges() {
    std::vector<Range> ranges = world_.node_ranges;
    if (is_any_isolated_) {
      const std::vector<Range> shared = SharedRanges();
      ranges.insert(ranges.end(), shared.begin(), shared.end());
      for (const uint8_t protocol : kFloodedProtocols) {
        AddElement(fixed_sets::kFlooded, {.key = nft::Bytes(1, static_cast<char>(protocol))});
      }
    }
    for (const Range& range : Merge(std::move(ranges))) {
      AddElement(range.is_ipv6() ? fixed_sets::kNodeRanges6 : fixed_sets::kNodeRanges4,
                 {.key = range.first.bytes, .last = range.last.bytes});
    }
  }

  void AddLocalAddress(const Address& address, const LocalAddresses& owner) {
    const bool ipv6 = address.is_ipv6();
    const Verdicts& verdicts = VerdictsFor(owner);
    AddElement(ipv6 ? fixed_sets::kEgress6 : fixed_sets::kEgress4,
               {.key = address.bytes, .verdict = verdicts.egress});
    AddElement(ipv6 ? fixed_sets::kIngress6 : fixed_sets::kIngress4,
               {.key = address.bytes, .verdict = verdicts.ingress});
    is_any_isolated_ = is_any_isolated_ || verdicts.egress.code != NFT_RETURN ||
                       verdicts.ingress.code != NFT_RETURN;
    if (!owner.policed()) return;
    nft::Bytes twice;
    nft::Concat(twice, address.bytes);
    nft::Concat(twice, address.bytes);
    AddElement(ipv6 ? fixed_sets::kPods6 : fixed_sets::kPods4, {.key = address.bytes});
    AddElement(ipv6 ? fixed_sets::kSelf6 : fixed_sets::kSelf4, {.key = std::move(twice)});
  }

  struct Verdicts {
    nft::Verdict egress;
    nft::Verdict ingress;
  };

  const Verdicts& VerdictsFor(const LocalAddresses& owner) {
    static const Verdicts kOpen{{NFT_RETURN, ""}, {NFT_RETURN, ""}};
    static const Verdicts kDenied{{NFT_GOTO, kDenyChain}, {NFT_GOTO, kDenyChain}};
    if (!owner.policed()) return kOpen;
    const Pod* pod = addresses_.ManifestOf(owner);
    if (pod == nullptr) return kDenied;
    auto [known, added] = verdicts_.try_emplace(pod);
    if (added) {
      const auto policies = index_.PoliciesOf(*pod);
      known->second = {VerdictOf(*pod, policies, Direction::kEgress),
                       VerdictOf(*pod, policies, Direction::kIngress)};
    }
    return known->second;
  }

  // Pods that the same policies isolate share a class chain, unless they name their ports
  // differently.
  nft::Verdict VerdictOf(const Pod& pod, Policies policies, Direction direction) {
    std::erase_if(policies, [&](const auto* policy) { return !policy->Isolates(direction); });
    if (policies.empty()) return {NFT_RETURN, ""};
    std::string ports;
    if (direction == Direction::kIngress) {
      for (const NamedPort& port : pod.ports) {
        ports += fmt::format("{}:{}:{};", port.name, NameOf(port.protocol), port.number);
      }
    }
    auto [known, added] = classes_.try_emplace({direction, std::move(ports), policies});
    if (added) {
      known->second = AddClass(IsolationOf(policies, pod, direction), direction, NamesOf(policies),
                               sets_, ruleset_);
    }
    return {NFT_GOTO, known->second};
  }

  static std::string NamesOf(const Policies& policies) {
    std::string names;
    for (const NetworkPolicy* policy : policies) {
      names +=
          fmt::format("{}{}/{}", names.empty() ? "" : " ", policy->name.first, policy->name.second);
    }
    return names;
  }

  const World& world_;
  ClusterIndex index_;
  AddressBook addresses_;
  Ruleset ruleset_;
  SetBuilder sets_;
  bool is_any_isolated_ = false;
  std::unordered_map<const Pod*, Verdicts> verdicts_;
  std::map<std::tuple<Direction, std::string, Policies>, std::string> classes_;
};

}  // namespace

Ruleset Compile(const World& world) {
  return Compiler(world).Compile();
}

}  // namespace trivet::netpolicy
