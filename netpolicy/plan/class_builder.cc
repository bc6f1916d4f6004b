#include "netpolicy/plan/class_builder.h"

#include <fmt/format.h>

#include <map>

namespace trivet::netpolicy {
namespace {

// The ways to match an allowance's ports; each becomes one rule per way to match its peers.
std::vector<ClassRule> PortMatches(const Allowance& allowance, SetBuilder& sets) {
  if (allowance.any_port) return {ClassRule{}};
  std::vector<ClassRule> matches;
  std::vector<PortRange> single;
  std::map<Protocol, std::vector<PortRange>> ranges;
  for (const PortRange& one : allowance.ports) {
    if (one.first == one.last) {
      single.push_back(one);
    } else {
      ranges[one.protocol].push_back(one);
    }
  }
  if (!single.empty()) matches.push_back({.services = sets.Services(single)});
  for (const auto& [protocol, list] : ranges) {
    ClassRule match{.protocol = protocol};
    const bool whole = list.front().first == 0 && list.front().last == UINT16_MAX;
    if (!whole) match.ports = sets.PortRanges(list);
    matches.push_back(std::move(match));
  }
  return matches;
}

std::vector<ClassRule> PeerMatches(const Allowance& allowance, SetBuilder& sets) {
  if (allowance.any_peer) return {ClassRule{}};
  std::vector<ClassRule> matches;
  for (const bool ipv6 : {false, true}) {
    if (!allowance.selectors.empty()) {
      matches.push_back({.ipv6 = ipv6, .peers = sets.Peers(allowance, ipv6)});
    }
    const std::string blocks = sets.Blocks(allowance, ipv6);
    if (!blocks.empty()) matches.push_back({.ipv6 = ipv6, .peers = blocks});
  }
  return matches;
}

std::vector<ClassRule> RulesOf(const Allowance& allowance, SetBuilder& sets) {
  std::vector<ClassRule> rules;
  const std::vector<ClassRule> ports = PortMatches(allowance, sets);
  if (!ports.empty()) {
    for (const ClassRule& peer : PeerMatches(allowance, sets)) {
      for (ClassRule rule : ports) {
        rule.ipv6 = peer.ipv6;
        rule.peers = peer.peers;
        rules.push_back(std::move(rule));
      }
    }
  }
  if (!allowance.named_ports.empty()) {
    for (const bool ipv6 : {false, true}) {
      rules.push_back({.ipv6 = ipv6, .peer_services = sets.NamedPorts(allowance, ipv6)});
    }
  }
  return rules;
}

std::string Text(const ClassRule& rule) {
  return fmt::format("{}|{}|{}|{}|{}|{};", rule.ipv6, rule.peers.value_or(""),
                     rule.protocol ? NameOf(*rule.protocol) : "", rule.ports.value_or(""),
                     rule.services.value_or(""), rule.peer_services.value_or(""));
}

}  // namespace

std::string AddClass(const Isolation& isolation, Direction direction, std::string_view comment,
                     SetBuilder& sets, Ruleset& ruleset) {
  ClassChain chain{.direction = direction, .comment = std::string(comment)};
  std::string content = fmt::format("{};", comment);  // one chain per set of policies
  for (const Allowance& allowance : isolation.allowances) {
    for (ClassRule& rule : RulesOf(allowance, sets)) {
      content += Text(rule);
      chain.rules.push_back(std::move(rule));
    }
  }
  const bool ingress = direction == Direction::kIngress;
  std::string name = ContentName(ingress ? "ingress" : "egress", content);
  ruleset.chains.try_emplace(name, std::move(chain));
  return name;
}

}  // namespace trivet::netpolicy
