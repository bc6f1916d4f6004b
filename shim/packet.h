#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"

namespace trivet::shim {

/// One request as it came. The descriptor of a body in a memfd is taken out of `fds`, so that the
/// indices in the body count from the first of the others.
struct Packet {
  Header header;
  std::string body;
  std::vector<UniqueFd> fds;
  bool lost_fds = false;  // there was no room for them: all that is right is the header
};

/// Receives one packet without waiting. Errors: kAborted when none is there, kUnavailable at the
/// end of the connection, kFailedPrecondition for a packet of another major version,
/// kInvalidArgument for what is no packet.
Result<Packet> ReceivePacket(int socket_fd);

/// The body, read by the version that the packet is written in. Errors: kInvalidArgument.
template <class Body>
Result<Body> DecodeBody(const Packet& packet) {
  return wire::Decode<Body>(packet.body, MinorOf(packet.header.version));
}

/// Sends one packet without waiting. Errors: kUnavailable when the peer is gone or does not read.
Result<> SendPacket(int socket_fd, Header header, std::string_view body);

/// Moves descriptor `index` out of a request. Errors: kInvalidArgument when there is none or it was
/// taken already.
Result<UniqueFd> TakeFd(std::vector<UniqueFd>& fds, int32_t index, std::string_view field);

}  // namespace trivet::shim
