#include "cni/container_end.h"

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>

#include "cni/route.h"
#include "cni/sysctl.h"
#include "common/linux/netns_visit.h"

namespace trivet::cni {
namespace {

bool HasV6(const ContainerEnd& wanted) {
  return std::any_of(wanted.ips.begin(), wanted.ips.end(),
                     [](const IpConfig& ip) { return !ip.address.address.is_v4(); });
}

Result<> SetSysctls(const std::string& ifname, const ContainerEnd& wanted) {
  const std::string v6 = fmt::format("net/ipv6/conf/{}/", ifname);
  RETURN_IF_ERROR(SetSysctlIfPresent(v6 + "disable_ipv6", "0"));
  const bool detects = wanted.detection == DuplicateDetection::kOn;
  // Its own frames that the network reflects are told from another's by their nonce (RFC 7527).
  if (detects) RETURN_IF_ERROR(SetSysctlIfPresent(v6 + "enhanced_dad", "1"));
  return SetSysctlIfPresent(v6 + "accept_dad", detects ? "1" : "0");
}

// Its link-local address would be of no use, and announcing it is work for each port of a bridge.
// By a request before the one for IFF_UP: the kernel brings a link up before it reads how it is to
// be addressed.
Result<> LeaveWithoutV6Address(netlink::RouteSocket& socket, const Link& link) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(link.index);
  netlink::Request request(RTM_NEWLINK, 0);
  return ExecuteWithNoIpv6Address(socket, request.Struct(header),
                                  fmt::format("configure link {}", link.name));
}

// A network that gives no address at all leaves addressing to the pod, in which the kernel has its
// part.
Result<> PrepareV6(netlink::RouteSocket& socket, const Link& link, const ContainerEnd& wanted) {
  if (HasV6(wanted)) return SetSysctls(link.name, wanted);
  return wanted.ips.empty() ? Result<>{} : LeaveWithoutV6Address(socket, link);
}

// With arp_notify: peers learn of another MAC address at once. Not by /proc/sys: of "net" there it
// keeps an entry for each network namespace that was looked into, and every look-up passes them
// all.
Result<> BringUp(netlink::RouteSocket& socket, const Link& link, const std::string& mac) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(link.index);
  header.ifi_flags = header.ifi_change = IFF_UP;
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header);
  if (!mac.empty()) request.Bytes(IFLA_ADDRESS, MacBytes(mac));
  request.Nest(IFLA_AF_SPEC, [](auto& families) {
    families.Nest(AF_INET, [](auto& v4) {
      v4.Nest(IFLA_INET_CONF, [](auto& settings) { settings.U32(IPV4_DEVCONF_ARP_NOTIFY, 1); });
    });
  });
  return socket.Execute(request, fmt::format("bring up link {}", link.name));
}

// The gateway that the IPAM plugin told for the route's family.
Route WithGateway(const Route& route, const ContainerEnd& wanted) {
  Route complete = route;
  if (route.scope == RT_SCOPE_LINK) return complete;
  for (const IpConfig& ip : wanted.ips) {
    const bool same_family = ip.address.address.is_v4() == route.destination.address.is_v4();
    if (!complete.gateway && same_family) complete.gateway = ip.gateway;
  }
  return complete;
}

Result<Link> Configure(netlink::RouteSocket& socket, const std::string& ifname, Link link,
                       const ContainerEnd& wanted) {
  if (link.index == 0) {
    ASSIGN_OR_RETURN(link, ReadLink(socket, ifname));
  }
  if (!wanted.up) {
    if (!wanted.mac.empty()) RETURN_IF_ERROR(SetMac(socket, link, wanted.mac));
    return link;
  }
  RETURN_IF_ERROR(PrepareV6(socket, link, wanted));
  for (const IpConfig& ip : wanted.ips) {
    RETURN_IF_ERROR(AddAddress(socket, link, ip.address,
                               {.detection = wanted.detection, .route = wanted.network_route}));
  }
  RETURN_IF_ERROR(BringUp(socket, link, wanted.mac));
  for (const Neighbour& neighbour : wanted.neighbours) {
    RETURN_IF_ERROR(AddNeighbour(socket, link, neighbour));
  }
  for (const Route& route : wanted.routes) {
    RETURN_IF_ERROR(AddRoute(socket, link, WithGateway(route, wanted)));
  }
  return link;
}

Result<> CheckAddresses(netlink::RouteSocket& socket, const Link& link,
                        const ContainerEnd& wanted) {
  ASSIGN_OR_RETURN(const std::vector<IpPrefix> addresses, ListAddresses(socket, link));
  for (const IpConfig& ip : wanted.ips) {
    if (std::find(addresses.begin(), addresses.end(), ip.address) == addresses.end()) {
      return Fail(Code::kFailedPrecondition, "link {} lacks address {}", link.name,
                  ip.address.ToString());
    }
  }
  return {};
}

Result<Link> Check(const std::string& ifname, const std::string& mac, const ContainerEnd& wanted) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, ifname));
  if (!link) return Fail(Code::kFailedPrecondition, "link {} is absent", ifname);
  if (link->kind != "veth") return Fail(Code::kFailedPrecondition, "link {} is no veth", ifname);
  if (wanted.up && (link->flags & IFF_UP) == 0) {
    return Fail(Code::kFailedPrecondition, "link {} is down", ifname);
  }
  if (!mac.empty() && link->mac != mac) {
    return Fail(Code::kFailedPrecondition, "link {} has MAC address {}, not {}", ifname, link->mac,
                mac);
  }
  if (!wanted.up) return *link;
  RETURN_IF_ERROR(CheckAddresses(socket, *link, wanted));
  RETURN_IF_ERROR(CheckNeighbours(socket, *link, wanted.neighbours));
  std::vector<Route> routes;
  for (const Route& route : wanted.routes) routes.push_back(WithGateway(route, wanted));
  RETURN_IF_ERROR(CheckRoutes(socket, *link, routes));
  return *link;
}

}  // namespace

Result<ContainerLink> ConfigureContainerEnd(const std::filesystem::path& netns,
                                            const std::string& ifname, const Link& known,
                                            const ContainerEnd& wanted) {
  std::optional<ContainerLink> end;
  const auto configure = [&]() -> Result<> {
    ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
    ASSIGN_OR_RETURN(Link link, Configure(socket, ifname, known, wanted));
    end.emplace(std::move(link), std::move(socket));
    return {};
  };
  RETURN_IF_ERROR(InNetworkNamespaceAndBack(netns, configure), "container end");
  return std::move(*end);
}

Result<Link> CheckContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                               const std::string& mac, const ContainerEnd& wanted) {
  Link link;
  RETURN_IF_ERROR(InNetworkNamespaceAndBack(netns,
                                            [&]() -> Result<> {
                                              ASSIGN_OR_RETURN(link, Check(ifname, mac, wanted));
                                              return {};
                                            }),
                  "container end");
  return link;
}

}  // namespace trivet::cni
