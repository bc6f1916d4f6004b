#pragma once

#include <optional>
#include <string>

#include "cni/ip_prefix.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Whether packets of 127.0.0.0/8 may pass the interface. Errors: kNotFound when there is no such
/// interface. Source: Documentation/networking/ip-sysctl.rst, route_localnet.
Result<bool> HasRouteLocalnet(const std::string& interface);
/// Absent is success for `on` = false.
Result<> SetRouteLocalnet(const std::string& interface, bool on);

/// Where the node sends packets for `destination`.
struct RouteLookup {
  bool is_local = false;  // the address is one of its own
  uint32_t interface = 0;
};
/// None when there is no way. Source: man 7 rtnetlink.
Result<std::optional<RouteLookup>> LookUpRoute(netlink::RouteSocket& socket,
                                               const IpAddress& destination);

}  // namespace trivet::cni
