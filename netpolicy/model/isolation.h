#pragma once

#include <compare>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "netpolicy/model/objects.h"

namespace trivet::netpolicy {

struct PortRange {
  Protocol protocol;
  uint16_t first;
  uint16_t last;
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// A peer by selectors, with the namespace it is meant in.
struct PeerSelector {
  std::string policy_namespace;
  Peer peer;
};

/// Peers that may use the same ports; a connection is allowed when one allowance has both its other
/// end and its port.
struct Allowance {
  bool any_peer = false;
  std::map<std::string, PeerSelector> selectors;  // by their canonical text
  std::vector<Range> blocks;                      // exceptions already taken out; merged

  bool any_port = false;         // any protocol, too
  std::vector<PortRange> ports;  // sorted, merged
  /// Of egress: ports by the name that each destination pod gives them.
  std::vector<std::pair<Protocol, std::string>> named_ports;
};

/// What the policies say together about one pod and direction. Not isolated: everything goes.
struct Isolation {
  bool isolated = false;
  std::vector<Allowance> allowances;
};

/// The union of `policies`, all of which select `pod`. Named ports of ingress are the pod's own and
/// become numbers here; a name that the pod does not have allows nothing.
Isolation IsolationOf(const std::vector<const NetworkPolicy*>& policies, const Pod& pod,
                      Direction direction);

/// Sorted, with overlapping and neighbouring ranges of a protocol joined.
std::vector<PortRange> Merge(std::vector<PortRange> ports);

}  // namespace trivet::netpolicy
