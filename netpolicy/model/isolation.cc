#include "netpolicy/model/isolation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace trivet::netpolicy {
namespace {

struct Ports {
  bool any = false;
  std::vector<PortRange> numbers;
  std::set<std::pair<Protocol, std::string>> names;

  // A rule whose port names the pod does not know has ports, but none that matches.
  [[nodiscard]] bool none() const { return !any && numbers.empty() && names.empty(); }
  [[nodiscard]] std::string Canonical() const {
    std::string text = any ? "any" : "";
    for (const PortRange& one : numbers) {
      text += fmt::format("{}:{}-{},", NameOf(one.protocol), one.first, one.last);
    }
    for (const auto& [protocol, name] : names)
      text += fmt::format("{}:{},", NameOf(protocol), name);
    return text;
  }
};

void AddNamedPort(const Port& port, const Pod& pod, Direction direction, Ports& out) {
  if (direction == Direction::kEgress) {
    out.names.emplace(port.protocol, port.name);
    return;
  }
  for (const NamedPort& one : pod.ports) {
    if (one.name == port.name && one.protocol == port.protocol) {
      out.numbers.push_back({port.protocol, one.number, one.number});
    }
  }
}

Ports PortsOf(const PolicyRule& rule, const Pod& pod, Direction direction) {
  Ports ports;
  ports.any = rule.ports.empty();
  for (const Port& port : rule.ports) {
    if (port.name.empty()) {
      ports.numbers.push_back({port.protocol, port.first, port.last});
    } else {
      AddNamedPort(port, pod, direction, ports);
    }
  }
  ports.numbers = Merge(std::move(ports.numbers));
  return ports;
}

std::string Canonical(const PeerSelector& selector) {
  const Peer& peer = selector.peer;
  return fmt::format("{}/{}",
                     peer.namespaces ? peer.namespaces->Canonical() : selector.policy_namespace,
                     peer.pods ? peer.pods->Canonical() : "");
}

void AddPeers(const PolicyRule& rule, const std::string& policy_namespace, Allowance& out) {
  if (rule.peers.empty()) out.any_peer = true;
  for (const Peer& peer : rule.peers) {
    if (peer.block) {
      const auto left = Subtract(peer.block->cidr, peer.block->except);
      out.blocks.insert(out.blocks.end(), left.begin(), left.end());
    } else {
      PeerSelector selector{policy_namespace, peer};
      out.selectors.emplace(Canonical(selector), std::move(selector));
    }
  }
}

}  // namespace

std::vector<PortRange> Merge(std::vector<PortRange> ports) {
  std::sort(ports.begin(), ports.end());
  std::vector<PortRange> merged;
  for (const PortRange& one : ports) {
    if (!merged.empty() && merged.back().protocol == one.protocol &&
        one.first <= uint32_t{merged.back().last} + 1) {
      merged.back().last = std::max(merged.back().last, one.last);
    } else {
      merged.push_back(one);
    }
  }
  return merged;
}

Isolation IsolationOf(const std::vector<const NetworkPolicy*>& policies, const Pod& pod,
                      Direction direction) {
  Isolation isolation;
  std::map<std::string, Allowance> by_ports;
  for (const NetworkPolicy* policy : policies) {
    if (!policy->Isolates(direction)) continue;
    isolation.isolated = true;
    for (const PolicyRule& rule : policy->Rules(direction)) {
      const Ports ports = PortsOf(rule, pod, direction);
      if (ports.none()) continue;
      Allowance& allowance = by_ports[ports.Canonical()];
      allowance.any_port = ports.any;
      allowance.ports = ports.numbers;
      allowance.named_ports.assign(ports.names.begin(), ports.names.end());
      AddPeers(rule, policy->name.first, allowance);
    }
  }
  for (auto& [ports, allowance] : by_ports) {
    allowance.blocks = Merge(std::move(allowance.blocks));
    isolation.allowances.push_back(std::move(allowance));
  }
  return isolation;
}

}  // namespace trivet::netpolicy
