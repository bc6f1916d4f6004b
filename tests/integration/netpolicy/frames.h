#pragma once

#include <cstdint>
#include <string>

#include "netpolicy/model/address.h"
#include "tests/integration/netpolicy/traffic.h"

/// Ethernet frames, byte by byte. The hardware addresses of a frame between pods are those that ADD
/// makes of their addresses.
namespace trivet::netpolicy {

/// What a frame carries and from where to where.
struct Forged {
  Address source;
  Address destination;
  std::string payload = "x";
};

/// A datagram to port 53 with the tags before it, each four bytes.
std::string DatagramFrame(const TestPod& from, const TestPod& to, const Forged& packet,
                          const std::string& tags = "");
/// An ICMPv6 message; the payload opens with its type and has room for the checksum.
std::string Icmp6Frame(const TestPod& from, const TestPod& to, const Forged& packet);
/// An ARP reply that says that `packet.source` is at the sender's hardware address.
std::string ArpFrame(const TestPod& from, const TestPod& to, const Forged& packet);

}  // namespace trivet::netpolicy
