#include "netpolicy/plan/compile.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <set>

#include "netpolicy/model/index.h"
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

// An address is given anew before its earlier owner's DELETE has arrived: the newest counts.
std::map<Address, const LocalAddresses*> OwnersOf(const World& world) {
  std::map<Address, const LocalAddresses*> owners;
  for (const LocalAddresses& one : world.local) {
    for (const Address& address : one.addresses) owners[address] = &one;
  }
  return owners;
}

// The manifest of a local pod, unless it is of an earlier or later pod of that name.
const Pod* ManifestOf(const LocalAddresses& local, const Cluster& cluster) {
  const auto found = cluster.pods.find(local.pod);
  if (found == cluster.pods.end()) return nullptr;
  const Pod& pod = found->second;
  const bool same = pod.uid.empty() || local.uid.empty() || pod.uid == local.uid;
  return same ? &pod : nullptr;
}

// Which addresses stand for which pod in peer sets. Neither a finished pod's nor a host-network
// pod's: the one may have been given to another pod, the other is the node's.
PodAddresses PeerAddresses(const World& world,
                           const std::map<Address, const LocalAddresses*>& owners) {
  PodAddresses addresses;
  std::set<ObjectName> local;
  for (const auto& [address, owner] : owners) {
    const Pod* pod = owner->policed() ? ManifestOf(*owner, world.cluster) : nullptr;
    if (pod == nullptr) continue;
    local.insert(pod->name);
    if (!pod->finished && !pod->host_network) addresses[pod->name].push_back(address);
  }
  for (const auto& [name, pod] : world.cluster.pods) {
    if (local.contains(name) || pod.finished || pod.host_network) continue;
    for (const Address& address : pod.addresses) {
      if (!owners.contains(address)) addresses[name].push_back(address);
    }
  }
  return addresses;
}

class Compiler {
 public:
  explicit Compiler(const World& world)
      : world_(world),
        index_(world.cluster),
        owners_(OwnersOf(world)),
        addresses_(PeerAddresses(world, owners_)),
        sets_(index_, addresses_, ruleset_) {}

  Ruleset Compile() {
    for (nft::Set& set : FixedSets()) {
      std::string name = set.name;
      ruleset_.sets.emplace(std::move(name), SetContent{std::move(set), {}});
    }
    ruleset_.chains.emplace(kDenyChain, ClassChain{.comment = "pods without a manifest"});
    AddNodeRanges();
    for (const auto& [address, owner] : owners_) AddLocalAddress(address, *owner);
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
    const Pod* pod = owner.policed() ? ManifestOf(owner, world_.cluster) : nullptr;
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
  std::map<Address, const LocalAddresses*> owners_;
  PodAddresses addresses_;
  Ruleset ruleset_;
  SetBuilder sets_;
  std::map<std::string, std::string> classes_;
};

}  // namespace

Ruleset Compile(const World& world) {
  return Compiler(world).Compile();
}

}  // namespace trivet::netpolicy
