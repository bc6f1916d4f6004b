#include "cni/portmap/localnet.h"

#include <linux/rtnetlink.h>

#include "common/linux/file.h"

namespace trivet::cni {
namespace {

std::filesystem::path RouteLocalnetFile(const std::string& interface) {
  return std::filesystem::path("/proc/sys/net/ipv4/conf") / interface / "route_localnet";
}

}  // namespace

Result<bool> HasRouteLocalnet(const std::string& interface) {
  ASSIGN_OR_RETURN(const std::string value, ReadFile(RouteLocalnetFile(interface)));
  return !value.starts_with('0');
}

Result<> SetRouteLocalnet(const std::string& interface, bool on) {
  auto set = WriteControlFile(RouteLocalnetFile(interface), on ? "1" : "0");
  if (!on && !set && set.error().code() == Code::kNotFound) return {};
  return set;
}

Result<std::optional<RouteLookup>> LookUpRoute(netlink::RouteSocket& socket,
                                               const IpAddress& destination) {
  rtmsg header{};
  header.rtm_family = destination.family();
  header.rtm_dst_len = destination.bits();
  netlink::Request request(RTM_GETROUTE, 0);
  request.Struct(header).Bytes(RTA_DST, destination.bytes());
  const auto answer =
      socket.Query(request, fmt::format("look up the route to {}", destination.ToString()));
  if (!answer &&
      (answer.error().sys_errno() == ENETUNREACH || answer.error().sys_errno() == EHOSTUNREACH)) {
    return std::nullopt;
  }
  if (!answer) return std::unexpected(answer.error());
  return RouteLookup{.is_local = answer->Header<rtmsg>().rtm_type == RTN_LOCAL,
                     .interface = answer->AttributesAfter<rtmsg>().U32(RTA_OIF).value_or(0)};
}

}  // namespace trivet::cni
