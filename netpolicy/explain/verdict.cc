#include "netpolicy/explain/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace trivet::netpolicy {
namespace {

// The connection as one of its ends sees it.
struct View {
  Direction direction;
  Address self;
  Address peer;
  std::vector<const Pod*> peer_pods;  // more than one: stale manifests
  Protocol protocol;
  uint16_t port;
};

std::vector<const Pod*> PodsWith(const World& world, const AddressBook& addresses,
                                 const Address& address) {
  std::vector<const Pod*> pods;
  for (const auto& [name, list] : addresses.pods()) {
    if (std::find(list.begin(), list.end(), address) != list.end()) {
      pods.push_back(&world.cluster.pods.at(name));
    }
  }
  return pods;
}

bool InBlock(const IpBlock& block, const Address& address) {
  return block.cidr.Contains(address) &&
         std::none_of(block.except.begin(), block.except.end(),
                      [&](const Range& hole) { return hole.Contains(address); });
}

bool HasNamedPort(const Pod& pod, const Port& port, const View& view) {
  if (port.protocol != view.protocol) return false;
  return std::any_of(pod.ports.begin(), pod.ports.end(), [&](const NamedPort& named) {
    return named.name == port.name && named.protocol == port.protocol && named.number == view.port;
  });
}

// One rule against one connection. The peer is judged as an address, and as each pod that has it.
class RuleMatch {
 public:
  RuleMatch(const World& world, const NetworkPolicy& policy, const PolicyRule& rule,
            const Pod& self, const View& view)
      : world_(world), policy_(policy), rule_(rule), self_(self), view_(view) {}

  [[nodiscard]] std::string Reason() const {
    if (Allows()) return "allows it";
    const bool peer = AnyPeerPod([&](const Pod* pod) { return MatchesPeer(pod); });
    const bool port = AnyPeerPod([&](const Pod* pod) { return MatchesPort(pod); });
    if (peer && !port) return "the port does not match";
    if (port && !peer) return "the peer does not match";
    return "neither peer nor port matches";
  }

  // Peer and port of one and the same pod: a named port is the number that this pod gives it.
  [[nodiscard]] bool Allows() const {
    return AnyPeerPod([&](const Pod* pod) { return MatchesPeer(pod) && MatchesPort(pod); });
  }

 private:
  [[nodiscard]] bool AnyPeerPod(const std::function<bool(const Pod*)>& matches) const {
    if (matches(nullptr)) return true;
    return std::any_of(view_.peer_pods.begin(), view_.peer_pods.end(), matches);
  }
  [[nodiscard]] bool MatchesPeer(const Pod* pod) const {
    if (rule_.peers.empty()) return true;
    return std::any_of(rule_.peers.begin(), rule_.peers.end(), [&](const Peer& peer) {
      if (peer.block) return InBlock(*peer.block, view_.peer);
      return pod != nullptr && SelectsPod(world_.cluster, policy_.name.first, peer, *pod);
    });
  }
  [[nodiscard]] bool MatchesPort(const Pod* pod) const {
    if (rule_.ports.empty()) return true;
    const Pod* server = view_.direction == Direction::kIngress ? &self_ : pod;
    return std::any_of(rule_.ports.begin(), rule_.ports.end(), [&](const Port& port) {
      if (!port.name.empty()) return server != nullptr && HasNamedPort(*server, port, view_);
      return port.protocol == view_.protocol && port.first <= view_.port && view_.port <= port.last;
    });
  }

  const World& world_;
  const NetworkPolicy& policy_;
  const PolicyRule& rule_;
  const Pod& self_;
  const View& view_;
};

std::string Name(const ObjectName& name) {
  return fmt::format("{}/{}", name.first, name.second);
}

void JudgeByPolicies(const World& world, const Pod& pod, const View& view, HalfVerdict& out) {
  const char* key = view.direction == Direction::kIngress ? "ingress" : "egress";
  bool isolated = false;
  bool allowed = false;
  for (const auto& [name, policy] : world.cluster.policies) {
    if (name.first != pod.name.first || !policy.Isolates(view.direction) ||
        !policy.pods.Matches(pod.labels)) {
      continue;
    }
    isolated = true;
    const auto& rules = policy.Rules(view.direction);
    if (rules.empty()) out.policies.push_back(fmt::format("{}: has no {} rule", Name(name), key));
    for (size_t i = 0; i < rules.size(); ++i) {
      const RuleMatch match(world, policy, rules[i], pod, view);
      allowed = allowed || match.Allows();
      out.policies.push_back(fmt::format("{} {}[{}]: {}", Name(name), key, i, match.Reason()));
    }
  }
  out.allowed = !isolated || allowed;
  if (!isolated) {
    out.reason = fmt::format("no policy isolates its {}", key);
  } else {
    out.reason =
        fmt::format("its {} is isolated, and {} rule allows it", key, allowed ? "a" : "no");
  }
}

void JudgeLocal(const World& world, const AddressBook& addresses, const LocalAddresses& local,
                const View& view, HalfVerdict& out) {
  if (!local.policed()) {
    out.reason = "not a Kubernetes pod: nothing restricts it";
    return;
  }
  out.end = fmt::format("{} ({})", Name(local.pod), view.self.ToString());
  if (const Pod* pod = addresses.ManifestOf(local); pod != nullptr) {
    JudgeByPolicies(world, *pod, view, out);
    return;
  }
  out.allowed = false;
  out.reason = "the pod has no manifest, or one of another uid: it is denied everything";
}

bool IsAnyIsolated(const World& world, const AddressBook& addresses) {
  return std::any_of(addresses.local().begin(), addresses.local().end(), [&](const auto& one) {
    const LocalAddresses& owner = *one.second;
    const Pod* pod = addresses.ManifestOf(owner);
    if (!owner.policed() || pod == nullptr) return owner.policed();
    const auto& policies = world.cluster.policies;
    return std::any_of(policies.begin(), policies.end(), [&](const auto& policy) {
      return policy.first.first == pod->name.first && policy.second.pods.Matches(pod->labels);
    });
  });
}

bool IsIn(const std::vector<Range>& ranges, const Address& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return range.Contains(address); });
}

// An address that no attachment of this node has.
void JudgeOther(const World& world, const AddressBook& addresses, const View& view,
                HalfVerdict& out) {
  if (IsIn(world.node_ranges, view.self)) {
    out.allowed = false;
    out.reason = "an address of this node's pods, but no pod's: it is denied everything";
    return;
  }
  if (IsIn(SharedRanges(), view.self) && IsAnyIsolated(world, addresses)) {
    out.allowed = false;
    out.reason = "an address that no pod was given, on a node with pods that are isolated";
    return;
  }
  out.decided_here = false;
  const auto pods = PodsWith(world, addresses, view.self);
  if (pods.empty()) {
    out.reason = "not a pod: nothing restricts it";
    return;
  }
  out.end = fmt::format("{} ({})", Name(pods.front()->name), view.self.ToString());
  JudgeByPolicies(world, *pods.front(), view, out);
}

HalfVerdict JudgeHalf(const World& world, const AddressBook& addresses, const View& view) {
  HalfVerdict half{.end = view.self.ToString()};
  const auto found = addresses.local().find(view.self);
  if (found == addresses.local().end()) {
    JudgeOther(world, addresses, view, half);
  } else {
    JudgeLocal(world, addresses, *found->second, view, half);
  }
  if (view.self == view.peer && half.end != view.self.ToString()) {
    half.allowed = true;
    half.reason = "a pod may always reach itself";
  }
  return half;
}

}  // namespace

Verdict Judge(const World& world, const AddressBook& addresses, const Connection& connection) {
  const View client{Direction::kEgress,  connection.from,
                    connection.to,       PodsWith(world, addresses, connection.to),
                    connection.protocol, connection.port};
  const View server{Direction::kIngress, connection.to,
                    connection.from,     PodsWith(world, addresses, connection.from),
                    connection.protocol, connection.port};
  return {JudgeHalf(world, addresses, client), JudgeHalf(world, addresses, server)};
}

}  // namespace trivet::netpolicy
