#pragma once

#include <vector>

#include "cni/add_result.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Adds a route over `link`; the same route already there is success.
Result<> AddRoute(netlink::RouteSocket& socket, const Link& link, const Route& route);

/// The routes over `link` of every table, with destination and gateway alone.
Result<std::vector<Route>> ListRoutes(netlink::RouteSocket& socket, const Link& link);

/// Errors: kFailedPrecondition that names the first of `wanted` that is not over `link`.
Result<> CheckRoutes(netlink::RouteSocket& socket, const Link& link,
                     const std::vector<Route>& wanted);

}  // namespace trivet::cni
