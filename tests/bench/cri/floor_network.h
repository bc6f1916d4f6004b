#pragma once

#include <cstdint>

#include "common/base/error.h"
#include "common/linux/netlink.h"

/// What a bridge network asks of the kernel for each pod, with nothing looked up, checked or kept.
namespace trivet::bench::floor {

/// The bridge all pods are on. Its name must be free.
Result<uint32_t> MakeBridge(netlink::RouteSocket& socket, const char* name);

/// A veth pair born with one end on the bridge and the other, eth0, in the network namespace at
/// `netns`; loopback, address and default route there; both ends up.
Result<> Connect(netlink::RouteSocket& socket, uint32_t bridge, const char* netns);

/// Removes the veth pair.
Result<> Disconnect(netlink::RouteSocket& socket);

}  // namespace trivet::bench::floor
