#include "tests/unit/netpolicy/cluster.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <optional>

#include "common/manifest/manifest.h"
#include "netpolicy/model/parse.h"
#include "netpolicy/plan/set_builder.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using testing::IsOk;

const nft::Element* Find(const SetContent& content, const nft::Bytes& key) {
  for (const nft::Element& one : content.elements) {
    if (one.last.empty() ? one.key == key : one.key <= key && key <= one.last) return &one;
  }
  return nullptr;
}

class Packet {
 public:
  Packet(const Ruleset& ruleset, const Connection& connection)
      : ruleset_(ruleset), connection_(connection) {}

  [[nodiscard]] bool Passes() const {
    const bool ipv6 = connection_.from.is_ipv6();
    nft::Bytes both;
    nft::Concat(both, connection_.from.bytes);
    nft::Concat(both, connection_.to.bytes);
    if (Has(ipv6 ? fixed_sets::kSelf6 : fixed_sets::kSelf4, both)) return true;
    return PassesEnd(connection_.from, ipv6 ? fixed_sets::kEgress6 : fixed_sets::kEgress4) &&
           PassesEnd(connection_.to, ipv6 ? fixed_sets::kIngress6 : fixed_sets::kIngress4);
  }

 private:
  [[nodiscard]] bool Has(const std::string& set, const nft::Bytes& key) const {
    return Find(ruleset_.sets.at(set), key) != nullptr;
  }

  [[nodiscard]] bool PassesEnd(const Address& end, const char* map) const {
    const nft::Element* element = Find(ruleset_.sets.at(map), end.bytes);
    if (element == nullptr) {
      return !Has(end.is_ipv6() ? fixed_sets::kNodeRanges6 : fixed_sets::kNodeRanges4, end.bytes);
    }
    if (element->verdict->code == NFT_RETURN) return true;
    EXPECT_EQ(element->verdict->code, NFT_GOTO);
    const ClassChain& chain = ruleset_.chains.at(element->verdict->chain);
    return std::any_of(chain.rules.begin(), chain.rules.end(),
                       [&](const ClassRule& rule) { return Matches(rule, chain.direction); });
  }

  [[nodiscard]] bool Matches(const ClassRule& rule, Direction direction) const {
    const Address& peer = direction == Direction::kIngress ? connection_.from : connection_.to;
    const nft::Bytes protocol = ToBytes(connection_.protocol);
    const nft::Bytes port = ToBytes(connection_.port);
    nft::Bytes service;
    nft::Concat(service, protocol);
    nft::Concat(service, port);
    nft::Bytes peer_service;
    nft::Concat(peer_service, peer.bytes);
    peer_service += service;
    // The kernel's lookup of an address of the other family reads no address and does not match.
    const bool uses_address = rule.peers || rule.peer_services;
    if (uses_address && rule.ipv6 != peer.is_ipv6()) return false;
    return (!rule.peers || Has(*rule.peers, peer.bytes)) &&
           (!rule.protocol || *rule.protocol == connection_.protocol) &&
           (!rule.ports || Has(*rule.ports, port)) &&
           (!rule.services || Has(*rule.services, service)) &&
           (!rule.peer_services || Has(*rule.peer_services, peer_service));
  }

  const Ruleset& ruleset_;
  const Connection& connection_;
};

}  // namespace

Cluster ClusterOf(std::string_view yaml) {
  Cluster cluster;
  const auto documents = manifest::Parse(yaml, "test");
  EXPECT_THAT(documents, IsOk());
  for (const auto& document : documents.value_or(std::vector<manifest::Document>())) {
    if (document.Kind() == "Pod") {
      const auto pod = ParsePod(document.object);
      EXPECT_THAT(pod, IsOk());
      if (pod) cluster.pods[pod->name] = *pod;
    } else if (document.Kind() == "Namespace") {
      const auto one = ParseNamespace(document.object);
      EXPECT_THAT(one, IsOk());
      if (one) cluster.namespaces.insert(*one);
    } else {
      const auto policy = ParseNetworkPolicy(document.object);
      EXPECT_THAT(policy, IsOk());
      if (policy) cluster.policies[policy->name] = *policy;
    }
  }
  return cluster;
}

Address At(std::string_view text) {
  const auto address = Address::Parse(text);
  EXPECT_THAT(address, IsOk());
  return address.value_or(Address{});
}

std::vector<LocalAddresses> AttachmentsOf(const Cluster& cluster,
                                          const std::vector<ObjectName>& pods) {
  std::vector<LocalAddresses> attachments;
  for (const ObjectName& name : pods) {
    attachments.push_back({.pod = name, .addresses = cluster.pods.at(name).addresses});
  }
  return attachments;
}

std::vector<LocalAddresses> AttachmentsOfAll(const Cluster& cluster) {
  std::vector<ObjectName> names;
  for (const auto& [name, pod] : cluster.pods) names.push_back(name);
  return AttachmentsOf(cluster, names);
}

bool Passes(const Ruleset& ruleset, const Connection& connection) {
  return Packet(ruleset, connection).Passes();
}

Ruleset Applied(const Plan& plan, const Ruleset& desired, Ruleset actual) {
  for (const std::string& name : plan.sets_to_add) {
    EXPECT_FALSE(actual.sets.contains(name)) << name;
    actual.sets[name].set = desired.sets.at(name).set;
  }
  for (const std::string& name : plan.chains_to_add) {
    EXPECT_FALSE(actual.chains.contains(name)) << name;
    actual.chains[name] = desired.chains.at(name);
  }
  for (const auto& [name, elements] : plan.elements_to_delete) {
    auto& content = actual.sets.at(name).elements;
    for (const nft::Element& one : elements) EXPECT_EQ(std::erase(content, one), 1U) << name;
  }
  for (const auto& [name, elements] : plan.elements_to_add) {
    auto& content = actual.sets.at(name).elements;
    content.insert(content.end(), elements.begin(), elements.end());
    std::sort(content.begin(), content.end());
  }
  for (const std::string& name : plan.chains_to_delete) EXPECT_EQ(actual.chains.erase(name), 1U);
  for (const std::string& name : plan.sets_to_delete) EXPECT_EQ(actual.sets.erase(name), 1U);
  return actual;
}

bool Same(const Ruleset& a, const Ruleset& b) {
  const bool same_chains = std::equal(a.chains.begin(), a.chains.end(), b.chains.begin(),
                                      b.chains.end(), [](const auto& x, const auto& y) {
                                        return x.first == y.first &&
                                               x.second.rules == y.second.rules &&
                                               x.second.direction == y.second.direction;
                                      });
  return same_chains && std::equal(a.sets.begin(), a.sets.end(), b.sets.begin(), b.sets.end(),
                                   [](const auto& x, const auto& y) {
                                     return x.first == y.first &&
                                            x.second.elements == y.second.elements;
                                   });
}

}  // namespace trivet::netpolicy
