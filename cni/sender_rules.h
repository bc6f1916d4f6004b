#pragma once

#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "common/linux/nftables_frame.h"

namespace trivet::cni::sender_rules {

/// Where a pod's packets come in: by a port of a bridge, or by an interface of the router.
enum class Side { kBridge, kRouter };

/// Set of the ports that let no frame with a VLAN tag in.
nft::Set UntaggedSet();
/// Set of the ports whose senders are checked.
nft::Set BoundSet();
/// Set of a port and an address that may be sent from there.
nft::Set SenderSet(bool v4);

nft::Table TableOf(Side side);
nft::Frame FrameOf(Side side);

/// Of the first two sets.
nft::Element PortElement(const std::string& port);
/// Of SenderSet() of the address's family.
nft::Element SenderElement(const std::string& port, const IpAddress& sender);
/// The port of an element of any of the sets.
std::string PortOf(const nft::Element& element);

/// The address that the kernel makes of a hardware address, fe80::/64. Source: RFC 4291, appendix
/// A; linux net/ipv6/addrconf.c (IN6_ADDR_GEN_MODE_EUI64).
IpAddress LinkLocalOf(const std::string& mac);

}  // namespace trivet::cni::sender_rules
