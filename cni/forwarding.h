#pragma once

#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Has the node forward IPv4 (`v4`) or IPv6 packets between its interfaces, where it does not yet.
Result<> EnableForwarding(netlink::RouteSocket& socket, bool v4);

}  // namespace trivet::cni
