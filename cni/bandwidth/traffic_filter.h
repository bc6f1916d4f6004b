#pragma once

#include <cstdint>
#include <vector>

#include "cni/bandwidth/traffic_control.h"
#include "cni/ip_prefix.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// What becomes of packets that a filter matches. Nothing said: they pass.
struct TrafficTarget {
  uint32_t class_id = 0;     // of the qdisc the filter hangs at; 0: none
  uint32_t redirect_to = 0;  // a link's index: packets leave by it; 0: none
};

/// One u32 filter for each subnet, at the qdisc `parent` of `link`.
Result<> AddSubnetFilters(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                          const std::vector<IpPrefix>& subnets, PeerEnd peer,
                          const TrafficTarget& target);

/// A u32 filter that matches every packet no subnet's filter did.
Result<> AddCatchAllFilter(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                           const TrafficTarget& target);

/// Whether some filter at the qdisc `parent` of `link` redirects to the link of that index.
Result<bool> HasRedirect(netlink::RouteSocket& socket, const Link& link, uint32_t parent,
                         uint32_t redirect_to);

}  // namespace trivet::cni
