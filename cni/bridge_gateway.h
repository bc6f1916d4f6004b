#pragma once

#include <string>
#include <vector>

#include "cni/add_result.h"
#include "cni/bridge_conf.h"

namespace trivet::cni {

/// Completes an IPAM answer as the reference plugin does: a gateway on the bridge where IPAM told
/// none is the subnet's first address; isDefaultGateway adds the default route of each family,
/// unless IPAM has told one.
void CompleteGateways(const BridgeConf& bridge, AddResult& result);

/// The addresses the bridge gets as the pods' gateway, each once.
std::vector<IpPrefix> GatewayAddresses(const AddResult& result);

/// A MAC address made from an IP address: a reused address keeps it, so no neighbour's cache is
/// ever wrong about it.
std::string MacOf(const IpAddress& address);

}  // namespace trivet::cni
