#include "cni/portmap/stale_flows.h"

#include <netinet/in.h>

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

Result<> Forget(const HostPort& port, const std::function<bool(const Connection&)>& is_stale) {
  RETURN_IF_ERROR(conntrack::Forget(port.container.family(), port.protocol, port.port, is_stale),
                  "host port " + Describe(port));
  return {};
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
    RETURN_IF_ERROR(Forget(port, is_stray));
  }
  return {};
}

Result<> ForgetTranslatedFlows(const std::vector<HostPort>& ports) {
  for (const HostPort& port : ports) {
    const auto is_translated = [&](const Connection& connection) {
      return connection.target == BytesOf(port.container) &&
             connection.target_port == port.container_port &&
             connection.destination != connection.target;
    };
    RETURN_IF_ERROR(Forget(port, is_translated));
  }
  return {};
}

}  // namespace trivet::cni
