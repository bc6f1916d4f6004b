#include "cni/vlan_gateway.h"

#include <net/if.h>

#include "cni/bridge.h"
#include "cni/bridge_vlan.h"
#include "cni/hash.h"
#include "cni/sysctl.h"
#include "cni/veth.h"

namespace trivet::cni {

std::string VlanGatewayName(const BridgeConf& bridge) {
  return fmt::format("{}.{}", bridge.bridge, bridge.vlans.untagged);
}

Result<Link> EnsureVlanGateway(netlink::RouteSocket& socket, const Link& bridge,
                               const BridgeConf& conf) {
  const std::string name = VlanGatewayName(conf);
  RETURN_IF_ERROR(CheckInterfaceName(name), "vlan");
  const std::string port_name = fmt::format("vlan{:011x}", Hash(name) >> 20);
  ASSIGN_OR_RETURN(auto gateway, FindLink(socket, name));
  if (!gateway) {
    RETURN_IF_ERROR(CreateVethPair(socket, {.host_name = port_name,
                                            .container_name = name,
                                            .mtu_bytes = bridge.mtu_bytes,
                                            .bridge_index = bridge.index}));
    ASSIGN_OR_RETURN(gateway, ReadLink(socket, name));
  }
  // Repeated: an ADD may have been killed half-way.
  RETURN_IF_ERROR(SetSysctlIfPresent(fmt::format("net/ipv6/conf/{}/accept_dad", name), "0"));
  ASSIGN_OR_RETURN(const Link port, ReadLink(socket, port_name));
  RETURN_IF_ERROR(SetPortVlans(
      socket, bridge, port,
      {.untagged = conf.vlans.untagged, .trunk = {}, .keep_default = conf.vlans.keep_default}));
  RETURN_IF_ERROR(BringPortUp(socket, port, {.alias = fmt::format("gateway of {}", name)}));
  if ((gateway->flags & IFF_UP) == 0) {
    RETURN_IF_ERROR(SetLinkFlags(socket, *gateway, IFF_UP, IFF_UP));
  }
  return std::move(*gateway);
}

}  // namespace trivet::cni
