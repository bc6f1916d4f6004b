#pragma once

#include <string_view>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"

namespace trivet::shim {

/// The header at the start of a packet. Of another major version only the version is read: what
/// follows it may be of another form.
/// Errors: kFailedPrecondition for another major version, kInvalidArgument for what is no packet or
/// is in a minor version that this side has not offered.
inline Result<Header> ReadHeader(std::string_view packet) {
  Header header;
  wire::Reader reader(packet);
  Fields(reader, header);
  const bool has_version = packet.size() >= sizeof header.version;
  if (has_version && MajorOf(header.version) != kMajor) {
    return Fail(Code::kFailedPrecondition,
                "the peer speaks protocol version {}, and this program {}", MajorOf(header.version),
                kMajor);
  }
  if (!reader.ok()) return Fail(Code::kInvalidArgument, "packet ends inside its header");
  if (MinorOf(header.version) > kMinor) {
    return Fail(Code::kInvalidArgument, "protocol version {}.{} was not agreed on", kMajor,
                MinorOf(header.version));
  }
  return header;
}

}  // namespace trivet::shim
