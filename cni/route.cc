#include "cni/route.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

namespace trivet::cni {
namespace {

rtmsg Header(const Route& route) {
  rtmsg header{};
  header.rtm_family = route.destination.address.family();
  header.rtm_dst_len = route.destination.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_type = RTN_UNICAST;
  header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  if (route.scope) header.rtm_scope = static_cast<uint8_t>(*route.scope);
  return header;
}

void AddMetrics(netlink::Request& request, const Route& route) {
  if (!route.mtu_bytes && !route.advmss_bytes) return;
  request.Nest(RTA_METRICS, [&](auto& metrics) {
    if (route.mtu_bytes) metrics.U32(RTAX_MTU, *route.mtu_bytes);
    if (route.advmss_bytes) metrics.U32(RTAX_ADVMSS, *route.advmss_bytes);
  });
}

Result<std::vector<Route>> ListRoutes(netlink::RouteSocket& socket, const Link& link,
                                      uint8_t family) {
  rtmsg filter{};
  filter.rtm_family = family;
  netlink::Request request(RTM_GETROUTE, 0);
  request.Struct(filter).U32(RTA_OIF, link.index);
  ASSIGN_OR_RETURN(const auto answers,
                   socket.Dump(request, fmt::format("list routes of link {}", link.name)));
  std::vector<Route> routes;
  for (const netlink::Message& answer : answers) {
    const auto header = answer.Header<rtmsg>();
    const auto attributes = answer.AttributesAfter<rtmsg>();
    Route route;
    const std::array<std::byte, 16> zeros{};  // the default route has no RTA_DST
    const auto destination = attributes.Find(RTA_DST);
    ASSIGN_OR_RETURN(
        route.destination.address,
        IpAddress::FromBytes(destination ? destination->bytes()
                                         : std::span(zeros).first(family == AF_INET ? 4 : 16)));
    route.destination.length = header.rtm_dst_len;
    if (const auto gateway = attributes.Find(RTA_GATEWAY)) {
      ASSIGN_OR_RETURN(route.gateway, IpAddress::FromBytes(gateway->bytes()));
    }
    routes.push_back(route);
  }
  return routes;
}

}  // namespace

Result<> AddRoute(netlink::RouteSocket& socket, const Link& link, const Route& route) {
  netlink::Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(Header(route))
      .Bytes(RTA_DST, route.destination.address.bytes())
      .U32(RTA_OIF, link.index);
  if (route.gateway) request.Bytes(RTA_GATEWAY, route.gateway->bytes());
  if (route.source) request.Bytes(RTA_PREFSRC, route.source->bytes());
  if (route.priority) request.U32(RTA_PRIORITY, *route.priority);
  if (route.table) request.U32(RTA_TABLE, *route.table);
  AddMetrics(request, route);
  auto added = socket.Execute(request, fmt::format("add route to {} over link {}",
                                                   route.destination.ToString(), link.name));
  if (!added && added.error().code() == Code::kAlreadyExists) return {};
  return added;
}

Result<std::vector<Route>> ListRoutes(netlink::RouteSocket& socket, const Link& link) {
  ASSIGN_OR_RETURN(std::vector<Route> routes, ListRoutes(socket, link, AF_INET));
  ASSIGN_OR_RETURN(const std::vector<Route> v6, ListRoutes(socket, link, AF_INET6));
  routes.insert(routes.end(), v6.begin(), v6.end());
  return routes;
}

Result<> CheckRoutes(netlink::RouteSocket& socket, const Link& link,
                     const std::vector<Route>& wanted) {
  if (wanted.empty()) return {};
  ASSIGN_OR_RETURN(const std::vector<Route> routes, ListRoutes(socket, link));
  for (const Route& route : wanted) {
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

}  // namespace trivet::cni
