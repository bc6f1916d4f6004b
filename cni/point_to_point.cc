#include "cni/point_to_point.h"

#include <linux/rtnetlink.h>

#include <algorithm>

#include "cni/bridge_gateway.h"

namespace trivet::cni {
namespace {

constexpr uint8_t kLinkLocalBits = 64;

IpPrefix Alone(const IpAddress& address) {
  return {address, address.bits()};
}

Route OnLink(const IpAddress& destination) {
  Route route;
  route.destination = Alone(destination);
  route.scope = RT_SCOPE_LINK;
  return route;
}

Result<> CheckGateway(const Route& route) {
  const IpAddress gateway = LinkGateway(route.destination.address.is_v4());
  if (!route.gateway || *route.gateway == gateway) return {};
  return Fail(Code::kInvalidArgument, "route to {}: mode routed has no other gateway than {}",
              route.destination.ToString(), gateway.ToString());
}

bool HasAddress(const AddResult& result, bool v4) {
  return std::any_of(result.ips.begin(), result.ips.end(),
                     [&](const IpConfig& ip) { return ip.address.address.is_v4() == v4; });
}

bool HasRouteToAll(const AddResult& result, bool v4) {
  return std::any_of(result.routes.begin(), result.routes.end(), [&](const Route& route) {
    return route.destination.IsDefault() && route.destination.address.is_v4() == v4;
  });
}

void Append(std::vector<Route>& routes, const std::vector<Route>& more) {
  routes.insert(routes.end(), more.begin(), more.end());
}

}  // namespace

IpAddress LinkGateway(bool v4) {
  return *IpAddress::Parse(v4 ? "169.254.1.1" : "fe80::1");
}

std::string LinkGatewayMac() {
  return MacOf(LinkGateway(true));
}

Result<> MakeRouted(AddResult& result) {
  for (Route& route : result.routes) {
    RETURN_IF_ERROR(CheckGateway(route));
    route.gateway = LinkGateway(route.destination.address.is_v4());
  }
  for (IpConfig& ip : result.ips) {
    ip.address = Alone(ip.address.address);
    ip.gateway = LinkGateway(ip.address.address.is_v4());
  }
  for (const bool v4 : {true, false}) {
    if (!HasAddress(result, v4) || HasRouteToAll(result, v4)) continue;
    Route route;
    route.destination = {LinkGateway(v4).WithHostBits(0, false), 0};
    route.gateway = LinkGateway(v4);
    result.routes.push_back(route);
  }
  return {};
}

std::vector<Route> SubnetRoutes(const AddResult& result) {
  std::vector<Route> routes;
  for (const IpConfig& ip : result.ips) {
    if (!ip.gateway) continue;
    Route gateway = OnLink(*ip.gateway);
    gateway.source = ip.address.address;
    Route network;
    network.destination = ip.address.Network();
    network.gateway = ip.gateway;
    network.source = ip.address.address;
    Append(routes, {gateway, network});
  }
  Append(routes, result.routes);
  return routes;
}

std::vector<Route> RoutedRoutes(const AddResult& result) {
  std::vector<Route> routes;
  // A link-local IPv6 gateway is on the link by definition.
  if (HasAddress(result, true)) routes.push_back(OnLink(LinkGateway(true)));
  Append(routes, result.routes);
  return routes;
}

std::vector<Neighbour> GatewayNeighbours(const AddResult& result) {
  std::vector<Neighbour> neighbours;
  for (const bool v4 : {true, false}) {
    if (HasAddress(result, v4)) neighbours.push_back({LinkGateway(v4), LinkGatewayMac()});
  }
  return neighbours;
}

std::vector<Route> HostRoutes(const AddResult& result) {
  std::vector<Route> routes;
  for (const IpConfig& ip : result.ips) routes.push_back(OnLink(ip.address.address));
  return routes;
}

std::vector<IpPrefix> HostAddresses(const AddResult& result) {
  std::vector<IpPrefix> addresses;
  for (const IpConfig& ip : result.ips) {
    if (ip.gateway) addresses.push_back(Alone(*ip.gateway));
  }
  // The kernel asks for a neighbour of forwarded packets with a link-local address or not at all.
  if (HasAddress(result, false)) addresses.push_back({LinkGateway(false), kLinkLocalBits});
  return addresses;
}

std::vector<Neighbour> PodNeighbours(const AddResult& result, const std::string& mac) {
  std::vector<Neighbour> neighbours;
  for (const IpConfig& ip : result.ips) neighbours.push_back({ip.address.address, mac});
  return neighbours;
}

}  // namespace trivet::cni
