#pragma once

#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "netpolicy/model/address.h"

/// Packets between network namespaces: sockets are made inside and used from outside.
namespace trivet::netpolicy {

struct TestPod {
  std::string name;
  std::filesystem::path netns;
  Address ipv4;
  Address ipv6;

  [[nodiscard]] const Address& address(bool ipv6_wanted) const { return ipv6_wanted ? ipv6 : ipv4; }
};

/// A socket that listens (SOCK_STREAM) or is bound (SOCK_DGRAM) at any address of the pod.
UniqueFd Serve(const TestPod& pod, int type, bool ipv6, uint16_t port);

/// A connection, or nothing when it did not come about in time: dropped packets are not answered.
UniqueFd Connect(const TestPod& from, const Address& to, uint16_t port,
                 std::chrono::milliseconds timeout);

/// Whether a connection comes about. An expected one has ten seconds, an unexpected one half of
/// one.
bool Reaches(const TestPod& from, const Address& to, uint16_t port = 80);
bool IsDropped(const TestPod& from, const Address& to, uint16_t port = 80);

/// Sends a datagram and forgets it, whatever becomes of it.
void SendDatagram(const TestPod& from, const Address& to, uint16_t port);

/// A socket that sends ICMPv6 messages of any type and receives those of `types`.
UniqueFd RawIcmp6(const TestPod& pod, std::initializer_list<uint8_t> types);
void SendIcmp6(const UniqueFd& socket, const Address& to, const std::string& message);

/// A socket that receives every frame that arrives at the pod's interface.
UniqueFd Sniff(const TestPod& pod);

/// Sends an Ethernet frame as it is out of the pod's interface.
void SendFrame(const TestPod& from, const std::string& frame);

/// Whether something can be read (a connection be accepted) within the time.
bool IsReadable(const UniqueFd& socket, std::chrono::milliseconds timeout);

}  // namespace trivet::netpolicy
