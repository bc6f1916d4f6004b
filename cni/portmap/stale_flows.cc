#include "cni/portmap/stale_flows.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "cni/packet_family.h"
#include "cni/portmap/localnet.h"
#include "common/linux/conntrack.h"

namespace trivet::cni {
namespace {

using conntrack::Connection;

// What cannot be looked up is not the node's.
bool IsOfTheNode(netlink::RouteSocket& socket, const std::string& address) {
  const auto parsed =
      IpAddress::FromBytes(std::as_bytes(std::span(address.data(), address.size())));
  if (!parsed) return false;
  const auto route = LookUpRoute(socket, *parsed);
  return route && *route && (*route)->is_local;
}

bool IsTranslatedBy(const HostPort& port, const Connection& connection) {
  return connection.protocol == port.protocol && connection.destination_port == port.port &&
         connection.target == BytesOf(port.container) &&
         connection.target_port == port.container_port &&
         connection.destination != connection.target;
}

}  // namespace

Result<> ForgetStrayFlows(const std::vector<HostPort>& ports) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  for (const HostPort& port : ports) {
    if (port.protocol == IPPROTO_TCP) continue;
    const auto is_stray = [&](const Connection& connection) {
      if (connection.target == BytesOf(port.container)) return false;
      return port.host_ip ? connection.destination == BytesOf(*port.host_ip)
                          : IsOfTheNode(socket, connection.destination);
    };
    RETURN_IF_ERROR(
        conntrack::Forget({.family = port.container.family(),
                           .destination = {{.protocol = port.protocol, .port = port.port}}},
                          is_stray),
        "host port " + Describe(port));
  }
  return {};
}

Result<> ForgetTranslatedFlows(const std::vector<HostPort>& ports) {
  std::set<IpAddress> containers;
  for (const HostPort& port : ports) containers.insert(port.container);
  const auto is_translated = [&](const Connection& connection) {
    return std::any_of(ports.begin(), ports.end(),
                       [&](const HostPort& port) { return IsTranslatedBy(port, connection); });
  };
  for (const IpAddress& container : containers) {
    RETURN_IF_ERROR(conntrack::Forget({.family = container.family(), .target = BytesOf(container)},
                                      is_translated),
                    "host ports of " + container.ToString());
  }
  return {};
}

}  // namespace trivet::cni
