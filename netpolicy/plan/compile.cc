#include "netpolicy/plan/compile.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <map>

#include "netpolicy/model/index.h"
#include "netpolicy/plan/address_book.h"
#include "netpolicy/plan/class_builder.h"
#include "netpolicy/plan/set_builder.h"

namespace trivet::netpolicy {
namespace {

constexpr nft::Type kIp4 = nft::Type::kIpv4Address;
constexpr nft::Type kIp6 = nft::Type::kIpv6Address;

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
    AddNodeRanges();
    for (const auto& [address, owner] : addresses_.local()) AddLocalAddress(address, *owner);
    for (auto& [name, content] : ruleset_.sets) {
      std::sort(content.elements.begin(), content.elements.end());
    }
    return std::move(ruleset_);
  }

 private:
  void AddElement(const char* set, nft::Element element) {
    ruleset_.sets.at(set).elements.push_back(std::move(element));
  }

  void AddNodeRanges() {
    for (const Range& range : Merge(world_.node_ranges)) {
      AddElement(range.is_ipv6() ? fixed_sets::kNodeRanges6 : fixed_sets::kNodeRanges4,
                 {.key = range.first.bytes, .last = range.last.bytes});
    }
  }

  void AddLocalAddress(const Address& address, const LocalAddresses& owner) {
    const bool ipv6 = address.is_ipv6();
    const Pod* pod = addresses_.ManifestOf(owner);
    AddElement(ipv6 ? fixed_sets::kEgress6 : fixed_sets::kEgress4,
               {.key = address.bytes, .verdict = VerdictFor(owner, pod, Direction::kEgress)});
    AddElement(ipv6 ? fixed_sets::kIngress6 : fixed_sets::kIngress4,
               {.key = address.bytes, .verdict = VerdictFor(owner, pod, Direction::kIngress)});
    if (!owner.policed()) return;
    nft::Bytes twice;
    nft::Concat(twice, address.bytes);
    nft::Concat(twice, address.bytes);
    AddElement(ipv6 ? fixed_sets::kPods6 : fixed_sets::kPods4, {.key = address.bytes});
    AddElement(ipv6 ? fixed_sets::kSelf6 : fixed_sets::kSelf4, {.key = std::move(twice)});
  }

  nft::Verdict VerdictFor(const LocalAddresses& owner, const Pod* pod, Direction direction) {
    if (!owner.policed()) return {NFT_RETURN, ""};
    if (pod == nullptr) return {NFT_GOTO, kDenyChain};
    const std::string chain = ClassOf(*pod, direction);
    if (chain.empty()) return {NFT_RETURN, ""};
    return {NFT_GOTO, chain};
  }

  // The class chain of the pod; none when it is not isolated. Pods that the same policies select
  // share it, unless they name their ports differently.
  std::string ClassOf(const Pod& pod, Direction direction) {
    const auto policies = index_.PoliciesOf(pod);
    std::string names;
    for (const NetworkPolicy* policy : policies) {
      if (!policy->Isolates(direction)) continue;
      names +=
          fmt::format("{}{}/{}", names.empty() ? "" : " ", policy->name.first, policy->name.second);
    }
    if (names.empty()) return {};
    std::string key = fmt::format("{}|{}|", static_cast<int>(direction), names);
    if (direction == Direction::kIngress) {
      for (const NamedPort& port : pod.ports) {
        key += fmt::format("{}:{}:{};", port.name, NameOf(port.protocol), port.number);
      }
    }
    auto [known, added] = classes_.try_emplace(std::move(key));
    if (added) {
      known->second =
          AddClass(IsolationOf(policies, pod, direction), direction, names, sets_, ruleset_);
    }
    return known->second;
  }

  const World& world_;
  ClusterIndex index_;
  AddressBook addresses_;
  Ruleset ruleset_;
  SetBuilder sets_;
  std::map<std::string, std::string> classes_;
};

}  // namespace

Ruleset Compile(const World& world) {
  return Compiler(world).Compile();
}

}  // namespace trivet::netpolicy
