#pragma once

#include <string>

#include "cni/bridge_conf.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// "<bridge>.<vlan>", the reference plugin's name for the interface that has a VLAN's gateways.
std::string VlanGatewayName(const BridgeConf& bridge);

/// That interface, up: one end of a veth pair whose other end is a port of the bridge in the VLAN.
/// Made when it is absent; the caller holds the bridge's lock. Errors: kInvalidArgument for a name
/// that no interface can have.
Result<Link> EnsureVlanGateway(netlink::RouteSocket& socket, const Link& bridge,
                               const BridgeConf& conf);

}  // namespace trivet::cni
