#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cni/add_result.h"
#include "cni/address.h"
#include "cni/link.h"
#include "cni/neighbour.h"
#include "common/base/error.h"

namespace trivet::cni {

/// What the container's interface has.
struct ContainerEnd {
  std::string mac;  // to be given; empty: it has it
  std::vector<IpConfig> ips;
  NetworkRoute network_route = NetworkRoute::kOn;
  DuplicateDetection detection = DuplicateDetection::kOff;
  std::vector<Neighbour> neighbours;
  /// In this order, so first those by which the gateways of the others are reached. One without a
  /// gateway goes by the address's of its family, unless its scope says that it needs none.
  std::vector<Route> routes;
  bool up = true;
};

/// The container's interface, and a socket in the namespace that it is in.
struct ContainerLink {
  Link link;
  netlink::RouteSocket socket;
};

/// Gives the interface `ifname` inside the network namespace `netns` all of that. `known` is what
/// CreateVethPair told of it.
Result<ContainerLink> ConfigureContainerEnd(const std::filesystem::path& netns,
                                            const std::string& ifname, const Link& known,
                                            const ContainerEnd& wanted);

/// The interface. Errors: kFailedPrecondition when it is absent, down where it should be up, no
/// veth, or lacks `mac` (if any), an address, a neighbour or a route of `wanted`.
Result<Link> CheckContainerEnd(const std::filesystem::path& netns, const std::string& ifname,
                               const std::string& mac, const ContainerEnd& wanted);

}  // namespace trivet::cni
