#pragma once

#include <cstdint>
#include <vector>

#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// VLAN ids from `first` to `last`, both from 1 to 4094.
struct VlanRange {
  uint16_t first = 0;
  uint16_t last = 0;
  auto operator<=>(const VlanRange&) const = default;
};

/// What a port of a bridge that filters by VLAN lets through.
struct PortVlans {
  uint16_t untagged = 0;         // the VLAN of packets without a tag; 0: none is added
  std::vector<VlanRange> trunk;  // those of packets with a tag
  bool keep_default = true;      // the one that the kernel gives every port
};

/// Makes the bridge filter by VLAN. Errors: kUnimplemented when the kernel cannot
/// (CONFIG_BRIDGE_VLAN_FILTERING).
Result<> FilterVlans(netlink::RouteSocket& socket, const Link& bridge);

/// Sets the VLANs of a port of `bridge`. Errors: as FilterVlans.
Result<> SetPortVlans(netlink::RouteSocket& socket, const Link& bridge, const Link& port,
                      const PortVlans& vlans);

/// The message that adds, or deletes, VLANs of a port; `flags`: BRIDGE_VLAN_INFO_….
/// Source: linux/if_bridge.h; net/bridge/br_netlink.c, br_afspec.
enum class VlanChange { kAdd, kDelete };
netlink::Request PortVlanRequest(VlanChange change, uint32_t port_index,
                                 const std::vector<VlanRange>& ranges, uint16_t flags);

}  // namespace trivet::cni
