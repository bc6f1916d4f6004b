#pragma once

#include <vector>

#include "cni/ip_prefix.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Whether IPv6 looks for the address on the link before using it: 1.3 to 2 s.
enum class DuplicateDetection { kOff, kOn };

/// Whether the kernel adds the route to the address's network over the interface.
enum class NetworkRoute { kOff, kOn };

struct AddressOptions {
  DuplicateDetection detection = DuplicateDetection::kOff;
  NetworkRoute route = NetworkRoute::kOn;
};

/// Puts `address` on the interface; there already is success.
Result<> AddAddress(netlink::RouteSocket& socket, const Link& link, const IpPrefix& address,
                    const AddressOptions& options = {});

/// Absent is success.
Result<> DeleteAddress(netlink::RouteSocket& socket, const Link& link, const IpPrefix& address);

Result<std::vector<IpPrefix>> ListAddresses(netlink::RouteSocket& socket, const Link& link);

}  // namespace trivet::cni
