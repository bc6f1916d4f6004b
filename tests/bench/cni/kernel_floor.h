#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"

/// What the kernel alone asks for a pod's attachment: the netlink requests of an ADD and a DEL with
/// nothing checked, recorded, locked or undone around them.
namespace trivet::bench::floor {

struct Attachment {
  std::string netns;
  std::string ifname;
  std::string host_interface;
  /// The bridge that the host end joins; empty: routed, with a /32 and a link-local gateway.
  std::string bridge;
  uint32_t address =
      0;  // IPv4, host byte order; on a bridge, in a /16 whose first address is the gateway
};

/// The veth pair with its container end in the pod, address and default route, both ends up.
Result<> Add(const Attachment& attachment);

/// Deletes the host end, and the kernel the other.
Result<> Del(const Attachment& attachment);

/// A bridge with the gateway's address, up.
Result<> MakeBridge(const std::string& name, uint32_t address);

}  // namespace trivet::bench::floor
