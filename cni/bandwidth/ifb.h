#pragma once

#include <cstdint>
#include <string>

#include "cni/attachment_key.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// The intermediate functional block of an attachment: where what its container sends is queued.
/// "bwp" and twelve digits, the reference's name of it, so that either may take over from the
/// other. It does not depend on the interface: a container has one in a network.
std::string IfbName(const AttachmentKey& key);

/// Creates it, up. An older one of the same attachment is replaced. Errors: kAlreadyExists when the
/// name is another's.
Result<Link> CreateIfb(netlink::RouteSocket& socket, const AttachmentKey& key, uint32_t mtu_bytes);

/// Absent, or another kind of link, is success.
Result<> DeleteIfb(netlink::RouteSocket& socket, const std::string& name);

}  // namespace trivet::cni
