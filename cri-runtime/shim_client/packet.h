#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"

namespace trivet::cri {

/// One packet of the shim protocol as it came: the header is read, the body not yet.
struct Packet {
  shim::Header header;
  std::string bytes;  // header and body; only the header when body_in_memfd
  UniqueFd body_fd;   // the memfd, with body_in_memfd
};

/// Sends one packet; descriptors are borrowed. Errors: kUnavailable when the peer is gone or does
/// not read, kInvalidArgument for more descriptors than a packet can carry (253).
Result<> SendPacket(int socket_fd, shim::Header header, const std::string& body,
                    const std::vector<int>& fds);

/// Receives one packet, without waiting. Errors: kAborted when none is there, kUnavailable at the
/// end of the connection, kFailedPrecondition for a packet of another major version,
/// kInvalidArgument for what is no packet.
Result<Packet> ReceivePacket(int socket_fd);

/// The body, read by the version that the packet is written in. Errors: kInvalidArgument.
template <class Body>
Result<Body> DecodeBody(const Packet& packet);

Result<std::string> ReadBodyFile(const Packet& packet);

template <class Body>
Result<Body> DecodeBody(const Packet& packet) {
  const uint16_t minor = shim::MinorOf(packet.header.version);
  if (packet.header.body_in_memfd != 0) {
    ASSIGN_OR_RETURN(const std::string text, ReadBodyFile(packet));
    return wire::Decode<Body>(text, minor);
  }
  shim::Header header;
  Body body{};
  wire::Reader reader(packet.bytes, minor);
  Fields(reader, header);
  Fields(reader, body);
  if (!reader.ok() || !reader.at_end()) {
    return Fail(Code::kInvalidArgument, "body of verb {} has another form",
                static_cast<int>(packet.header.verb));
  }
  return body;
}

}  // namespace trivet::cri
