#pragma once

#include <string>
#include <vector>

#include "cni/add_result.h"
#include "cni/container_end.h"
#include "cni/neighbour.h"

namespace trivet::cni {

/// The plans of type "ptp": pure functions of what the IPAM plugin has told.

/// Turns addresses into the pod's alone, with the link as their gateway, and adds the default route
/// of each family that has none. Errors: kInvalidArgument for a route with another gateway: there
/// is one next hop on this link.
Result<> MakeRouted(AddResult& result);

/// 169.254.1.1 or fe80::1.
IpAddress LinkGateway(bool v4);
/// The hardware address of every host end in mode "routed": pods' neighbours are always right.
std::string LinkGatewayMac();

/// The pod's routes in mode "subnet": all of the address's network goes by the gateway, too.
std::vector<Route> SubnetRoutes(const AddResult& result);
/// The pod's routes in mode "routed".
std::vector<Route> RoutedRoutes(const AddResult& result);
/// The pod's neighbours in mode "routed".
std::vector<Neighbour> GatewayNeighbours(const AddResult& result);

/// The host's side of either mode.
std::vector<Route> HostRoutes(const AddResult& result);
/// The gateways, and a link-local one, as the host end's addresses in mode "subnet".
std::vector<IpPrefix> HostAddresses(const AddResult& result);
/// The pod as the host's neighbour in mode "routed".
std::vector<Neighbour> PodNeighbours(const AddResult& result, const std::string& mac);

}  // namespace trivet::cni
