#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/error.h"

/// Connection tracking as this project speaks it, by ctnetlink. In the network namespace of the
/// calling thread. Source: linux/netfilter/nfnetlink_conntrack.h.
namespace trivet::conntrack {

/// One connection: its first packet, and where that was sent in the end. Ports in host byte order,
/// addresses as 4 or 16 bytes in network order.
struct Connection {
  uint8_t protocol = 0;  // IPPROTO_TCP, ...
  std::string source;
  std::string destination;
  uint16_t destination_port = 0;
  std::string target;  // who answers: the destination, or what dnat made of it
  uint16_t target_port = 0;
};

/// The kernel forgets the connections of `family` (AF_INET, AF_INET6) and `protocol` to
/// `destination_port` for which `is_stale` is true: their next packet is a first packet again.
/// Errors: the kernel's errno.
Result<> Forget(uint8_t family, uint8_t protocol, uint16_t destination_port,
                const std::function<bool(const Connection&)>& is_stale);

}  // namespace trivet::conntrack
