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

// The kernel looks through its table once for each port; for more it is quicker to read the table.
constexpr size_t kFewPorts = 32;

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

// With those that went to the container itself by a port of the same number: it goes, too.
Result<> ForgetFlowsOf(const HostPort& port) {
  return conntrack::ForgetAll({.family = port.container.family(),
                               .protocol = port.protocol,
                               .port = port.port,
                               .target = BytesOf(port.container),
                               .target_port = port.container_port});
}

// False when the kernel cannot; some may be forgotten then.
Result<bool> ForgetOneByOne(const std::vector<HostPort>& ports) {
  for (const HostPort& port : ports) {
    auto forgotten = ForgetFlowsOf(port);
    if (!forgotten && forgotten.error().code() == Code::kUnimplemented) return false;
    RETURN_IF_ERROR(forgotten, "host port " + Describe(port));
  }
  return true;
}

}  // namespace

Result<> ForgetStrayFlows(const std::vector<HostPort>& ports) {
  const auto is_tcp = [](const HostPort& port) { return port.protocol == IPPROTO_TCP; };
  if (std::all_of(ports.begin(), ports.end(), is_tcp)) return {};
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  for (const HostPort& port : ports) {
    if (is_tcp(port)) continue;
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
  if (ports.size() <= kFewPorts) {
    ASSIGN_OR_RETURN(const bool done, ForgetOneByOne(ports));
    if (done) return {};
  }
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
