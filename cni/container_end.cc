#include "cni/container_end.h"

#include <net/if.h>

#include <algorithm>

#include "cni/route.h"
#include "cni/sysctl.h"
#include "common/linux/netns.h"

namespace trivet::cni {
namespace {

bool HasV6(const AddResult& wanted) {
  return std::any_of(wanted.ips.begin(), wanted.ips.end(),
                     [](const IpConfig& ip) { return !ip.address.address.is_v4(); });
}

Result<> SetSysctls(const std::string& ifname, const AddResult& wanted,
                    DuplicateDetection detection) {
  // Peers that knew the address under another MAC learn the new one at once.
  RETURN_IF_ERROR(SetSysctlIfPresent(fmt::format("net/ipv4/conf/{}/arp_notify", ifname), "1"));
  if (!HasV6(wanted)) return {};
  const std::string v6 = fmt::format("net/ipv6/conf/{}/", ifname);
  RETURN_IF_ERROR(SetSysctlIfPresent(v6 + "disable_ipv6", "0"));
  if (detection == DuplicateDetection::kOn) return {};
  return SetSysctlIfPresent(v6 + "accept_dad", "0");
}

// The gateway that the IPAM plugin told for the route's family.
Route WithGateway(const Route& route, const AddResult& wanted) {
  Route complete = route;
  for (const IpConfig& ip : wanted.ips) {
    const bool same_family = ip.address.address.is_v4() == route.destination.address.is_v4();
    if (!complete.gateway && same_family) complete.gateway = ip.gateway;
  }
  return complete;
}

Result<Link> Configure(const std::string& ifname, const AddResult& wanted,
                       DuplicateDetection detection) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(Link link, ReadLink(socket, ifname));
  RETURN_IF_ERROR(SetSysctls(ifname, wanted, detection));
  for (const IpConfig& ip : wanted.ips) {
    RETURN_IF_ERROR(AddAddress(socket, link, ip.address, detection));
  }
  RETURN_IF_ERROR(SetLinkFlags(socket, link, IFF_UP, IFF_UP));
  for (const Route& route : wanted.routes) {
    RETURN_IF_ERROR(AddRoute(socket, link, WithGateway(route, wanted)));
  }
  return link;
}

Result<> CheckAddresses(netlink::RouteSocket& socket, const Link& link, const AddResult& wanted) {
  ASSIGN_OR_RETURN(const std::vector<IpPrefix> addresses, ListAddresses(socket, link));
  for (const IpConfig& ip : wanted.ips) {
    if (std::find(addresses.begin(), addresses.end(), ip.address) == addresses.end()) {
      return Fail(Code::kFailedPrecondition, "link {} lacks address {}", link.name,
                  ip.address.ToString());
    }
  }
  return {};
}

Result<> CheckRoutes(netlink::RouteSocket& socket, const Link& link, const AddResult& wanted) {
  ASSIGN_OR_RETURN(const std::vector<Route> routes, ListRoutes(socket, link));
  for (const Route& asked : wanted.routes) {
    const Route route = WithGateway(asked, wanted);
    const bool there = std::any_of(routes.begin(), routes.end(), [&](const Route& candidate) {
      return candidate.destination == route.destination && candidate.gateway == route.gateway;
    });
    if (!there) {
      return Fail(Code::kFailedPrecondition, "link {} lacks the route to {}", link.name,
                  route.destination.ToString());
    }
  }
  return {};
}

Result<> Check(const std::string& ifname, const std::string& mac, const AddResult& wanted) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, ifname));
  if (!link) return Fail(Code::kFailedPrecondition, "link {} is absent", ifname);
  if ((link->flags & IFF_UP) == 0) {
    return Fail(Code::kFailedPrecondition, "link {} is down", ifname);
  }
  if (!mac.empty() && link->mac != mac) {
    return Fail(Code::kFailedPrecondition, "link {} has MAC address {}, not {}", ifname, link->mac,
                mac);
  }
  RETURN_IF_ERROR(CheckAddresses(socket, *link, wanted));
  return CheckRoutes(socket, *link, wanted);
}

}  // namespace

Result<Link> ConfigureContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                                   const AddResult& wanted, DuplicateDetection detection) {
  Link link;
  RETURN_IF_ERROR(InNetworkNamespace(netns,
                                     [&]() -> Result<> {
                                       ASSIGN_OR_RETURN(link, Configure(ifname, wanted, detection));
                                       return {};
                                     }),
                  "container end");
  return link;
}

Result<> CheckContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                           const std::string& mac, const AddResult& wanted) {
  RETURN_IF_ERROR(InNetworkNamespace(netns, [&] { return Check(ifname, mac, wanted); }),
                  "container end");
  return {};
}

}  // namespace trivet::cni
