#include "tests/unit/netpolicy/random_world.h"

#include <fmt/format.h>

#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy {
namespace {

constexpr unsigned kPods = 6;
constexpr unsigned kPolicies = 3;

}  // namespace

RandomWorld::RandomWorld(uint32_t seed) : random_(seed) {
  for (int i = 0; i < 8; ++i) {
    const ObjectName name = SomeName(kPods);
    cluster.pods[name] = SomePod(name);
    if (Chance(60)) Attach(name);
  }
  for (int i = 0; i < 4; ++i) {
    const ObjectName name = SomeName(kPolicies);
    cluster.policies[name] = SomePolicy(name);
  }
  cluster.namespaces["x"] = SomeLabels();
  if (Chance(50)) node_ranges.push_back(*Range::ParseCidr("10.0.0.0/28"));
  if (Chance(50)) node_ranges.push_back(*Range::ParseCidr("fd00::/124"));
}

void RandomWorld::Mutate() {
  const ObjectName pod = SomeName(kPods);
  const ObjectName policy = SomeName(kPolicies);
  switch (Pick(7)) {
    case 0:
      cluster.pods[pod] = SomePod(pod);
      break;
    case 1:
      cluster.pods.erase(pod);
      break;
    case 2:
      cluster.policies[policy] = SomePolicy(policy);
      break;
    case 3:
      cluster.policies.erase(policy);
      break;
    case 4:
      cluster.namespaces[policy.first] = SomeLabels();
      break;
    case 5:
      Attach(pod);
      break;
    default:
      if (!local.empty())
        local.erase(local.begin() + static_cast<long>(Pick(static_cast<unsigned>(local.size()))));
  }
}

Address RandomWorld::SomeAddress() {
  return Chance(50) ? At(fmt::format("10.0.0.{}", 1 + Pick(20)))
                    : At(fmt::format("fd00::{:x}", 1 + Pick(20)));
}

std::string RandomWorld::PickText(const std::vector<std::string>& from) {
  return from[Pick(static_cast<unsigned>(from.size()))];
}

ObjectName RandomWorld::SomeName(unsigned count) {
  return {PickText({"x", "y"}), fmt::format("o{}", Pick(count))};
}

Labels RandomWorld::SomeLabels() {
  Labels labels;
  for (const char* key : {"a", "b"}) {
    if (Chance(60)) labels[key] = PickText({"1", "2"});
  }
  return labels;
}

Selector RandomWorld::SomeSelector() {
  Selector selector;
  if (Chance(40)) selector.match_labels = SomeLabels();
  if (Chance(40)) {
    const auto op = static_cast<Selector::Operator>(Pick(4));
    const bool values = op == Selector::Operator::kIn || op == Selector::Operator::kNotIn;
    selector.match_expressions.push_back(
        {PickText({"a", "b"}), op,
         values ? std::vector{PickText({"1", "2"})} : std::vector<std::string>()});
  }
  return selector;
}

Pod RandomWorld::SomePod(const ObjectName& name) {
  Pod pod{.name = name, .labels = SomeLabels()};
  for (unsigned i = 0; i < Pick(3); ++i) pod.addresses.push_back(SomeAddress());
  for (unsigned i = 0; i < Pick(3); ++i) {
    pod.ports.push_back({PickText({"web", "dns"}), Chance(70) ? Protocol::kTcp : Protocol::kUdp,
                         static_cast<uint16_t>(80 + Pick(4))});
  }
  pod.host_network = Chance(8);
  pod.finished = Chance(8);
  return pod;
}

Peer RandomWorld::SomePeer() {
  Peer peer;
  if (Chance(30)) {
    peer.block = IpBlock{.cidr = *Range::ParseCidr(Chance(50) ? "10.0.0.0/27" : "fd00::/123")};
    if (Chance(60)) {
      peer.block->except.push_back(
          *Range::ParseCidr(peer.block->cidr.is_ipv6() ? "fd00::8/125" : "10.0.0.8/29"));
    }
    return peer;
  }
  if (Chance(60)) peer.pods = SomeSelector();
  if (Chance(50) || !peer.pods) peer.namespaces = SomeSelector();
  return peer;
}

Port RandomWorld::SomePort() {
  Port port{.protocol = Chance(70) ? Protocol::kTcp : Protocol::kUdp};
  if (Chance(30)) {
    port.name = PickText({"web", "dns", "nope"});
  } else if (Chance(85)) {
    port.first = static_cast<uint16_t>(80 + Pick(4));
    port.last = static_cast<uint16_t>(port.first + Pick(3));
  }
  return port;
}

std::vector<PolicyRule> RandomWorld::SomeRules() {
  std::vector<PolicyRule> rules(Pick(3));
  for (PolicyRule& rule : rules) {
    for (unsigned i = Pick(3); i > 0; --i) rule.peers.push_back(SomePeer());
    for (unsigned i = Pick(3); i > 0; --i) rule.ports.push_back(SomePort());
  }
  return rules;
}

NetworkPolicy RandomWorld::SomePolicy(const ObjectName& name) {
  NetworkPolicy policy{.name = name, .pods = SomeSelector()};
  policy.isolates_ingress = Chance(70);
  policy.isolates_egress = Chance(50);
  policy.ingress = SomeRules();
  policy.egress = SomeRules();
  return policy;
}

void RandomWorld::Attach(const ObjectName& pod) {
  LocalAddresses one{.pod = Chance(90) ? pod : ObjectName()};
  for (unsigned i = 0; i <= Pick(2); ++i) one.addresses.push_back(SomeAddress());
  local.push_back(std::move(one));
}

}  // namespace trivet::netpolicy
