#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netpolicy/model/address.h"
#include "netpolicy/model/selector.h"

/// What the agent knows of the cluster: the parts of Pod, Namespace and NetworkPolicy that decide
/// about packets.
namespace trivet::netpolicy {

enum class Protocol : uint8_t { kTcp = IPPROTO_TCP, kUdp = IPPROTO_UDP, kSctp = IPPROTO_SCTP };

/// Set on every namespace by the API server, and by us.
constexpr const char* kNamespaceNameLabel = "kubernetes.io/metadata.name";

/// Namespace and name.
using ObjectName = std::pair<std::string, std::string>;

struct NamedPort {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  uint16_t number = 0;
};

struct Pod {
  ObjectName name;
  std::string uid;  // empty in a manifest that was never in an API server
  Labels labels;
  std::vector<NamedPort> ports;
  std::vector<Address> addresses;  // status.podIPs
  bool host_network = false;       // has the node's addresses: no policy sees it
  bool finished = false;           // Succeeded or Failed: its addresses may be another pod's
};

struct IpBlock {
  Range cidr;
  std::vector<Range> except;
};

/// Either a block, or selectors: `pods` alone means pods of the policy's namespace, `namespaces`
/// alone all pods of those, both the pods that match both.
struct Peer {
  std::optional<Selector> pods;
  std::optional<Selector> namespaces;
  std::optional<IpBlock> block;
};

struct Port {
  Protocol protocol = Protocol::kTcp;
  std::string name;  // of the destination pod's container port; excludes numbers
  uint16_t first = 0;
  uint16_t last = UINT16_MAX;  // 0 to 65535: every port of the protocol
};

/// One allowing rule. No peers: everybody. No ports: everything, whatever the protocol.
struct PolicyRule {
  std::vector<Peer> peers;
  std::vector<Port> ports;
};

enum class Direction { kIngress, kEgress };

struct NetworkPolicy {
  ObjectName name;
  Selector pods;
  bool isolates_ingress = false;
  bool isolates_egress = false;
  std::vector<PolicyRule> ingress;
  std::vector<PolicyRule> egress;

  [[nodiscard]] bool Isolates(Direction direction) const {
    return direction == Direction::kIngress ? isolates_ingress : isolates_egress;
  }
  [[nodiscard]] const std::vector<PolicyRule>& Rules(Direction direction) const {
    return direction == Direction::kIngress ? ingress : egress;
  }
};

struct Cluster {
  std::map<ObjectName, Pod> pods;
  std::map<std::string, Labels> namespaces;
  std::map<ObjectName, NetworkPolicy> policies;

  /// With the name label; a namespace that has no object has that label alone.
  [[nodiscard]] Labels NamespaceLabels(const std::string& name) const;
};

/// True when this peer, of a policy in `policy_namespace`, selects the pod. A block selects none.
bool SelectsPod(const Cluster& cluster, const std::string& policy_namespace, const Peer& peer,
                const Pod& pod);

std::string_view NameOf(Protocol protocol);

}  // namespace trivet::netpolicy
