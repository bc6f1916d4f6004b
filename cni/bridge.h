#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cni/ip_prefix.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

struct BridgeSpec {
  std::string name;
  std::filesystem::path mark;  // where the MAC address of a bridge that we make is written first
  bool promiscuous = false;
  bool filter_vlans = false;
  bool call_firewall = false;  // bridged packets pass the inet forward hook, on this bridge alone
};

/// The bridge, up; made when it is absent, with a MAC address of its own that no port changes.
/// Errors: kAlreadyExists when the name is taken by something that is no bridge.
/// Source: linux/if_bridge.h; net/bridge/br_netlink.c.
Result<Link> EnsureBridge(netlink::RouteSocket& socket, const BridgeSpec& spec);

/// Sees to it that no port changes the MAC address of the bridge: somebody else's may have none of
/// its own yet. `mark` as in BridgeSpec.
Result<> KeepBridgeMac(netlink::RouteSocket& socket, const Link& bridge,
                       const std::filesystem::path& mark);

/// Removes a bridge that we made, which its mark tells, and the mark. Another's bridge of that
/// name, one that still has ports, and none at all are left, with success.
Result<> RemoveBridge(netlink::RouteSocket& socket, const BridgeSpec& spec);

/// Puts a gateway's address on the bridge. Another IPv4 address there, or an IPv6 one whose network
/// overlaps, is removed with `force`. Errors: kAlreadyExists for such an address without it.
Result<> EnsureBridgeAddress(netlink::RouteSocket& socket, const Link& bridge,
                             const IpPrefix& address, bool force);

struct PortSpec {
  std::string alias;      // what `ip link` shows people, and GC goes by; at most 254 bytes
  bool hairpin = false;   // packets may go back out of the port they came in by
  bool isolated = false;  // no packets to and from other isolated ports
};

/// Sets up a port of a bridge and brings it up: from here on packets flow.
Result<> BringPortUp(netlink::RouteSocket& socket, const Link& port, const PortSpec& spec);

}  // namespace trivet::cni
