#pragma once

#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Whose hardware address is known without asking the link for it, for good.
struct Neighbour {
  IpAddress address;
  std::string mac;
};

/// Replaces what was known. Source: man 7 rtnetlink, RTM_NEWNEIGH; NUD_PERMANENT.
Result<> AddNeighbour(netlink::RouteSocket& socket, const Link& link, const Neighbour& neighbour);

/// Errors: kFailedPrecondition that names the first of `wanted` that is not a permanent neighbour.
Result<> CheckNeighbours(netlink::RouteSocket& socket, const Link& link,
                         const std::vector<Neighbour>& wanted);

}  // namespace trivet::cni
