#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

/// Which connections to look at: those to a port, or those that one address answers. The kernel
/// looks through all it has for each question, so one that names many is cheaper than many.
struct Selection {
  uint8_t family;  // AF_INET or AF_INET6
  struct Destination {
    uint8_t protocol;
    uint16_t port;
  };
  std::optional<Destination> destination = {};
  std::string target = {};  // 4 or 16 bytes as `family` says; empty: whoever answers
};

/// The kernel forgets the selected connections for which `is_stale` is true: their next packet is a
/// first packet again. A namespace without any is not looked through. Errors: the kernel's errno.
Result<> Forget(const Selection& selection, const std::function<bool(const Connection&)>& is_stale);

/// What a host port makes of connections to it.
struct Translation {
  uint8_t family;  // AF_INET or AF_INET6
  uint8_t protocol;
  uint16_t port;       // that the first packet went to
  std::string target;  // who answers; 4 or 16 bytes as `family` says
  uint16_t target_port;
};

/// The kernel forgets the connections of `translation`, in a fiftieth of the time of Forget(), as
/// it tells none. Errors: kUnimplemented with a kernel before 6.9, which forgets nothing then.
/// Source: nf_conntrack_netlink.c (ctnetlink_del_conntrack).
Result<> ForgetAll(const Translation& translation);

}  // namespace trivet::conntrack
