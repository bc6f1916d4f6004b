#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cni/attachment_key.h"
#include "cni/link.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

struct VethSpec {
  std::string host_name;
  std::string container_name;
  std::string container_mac;    // empty: the kernel's choice
  std::string host_mac;         // empty: the kernel's choice
  uint32_t mtu_bytes = 0;       // 0: the kernel's choice
  uint32_t bridge_index = 0;    // the host end is born as its port; 0: of none
  int container_netns_fd = -1;  // borrowed; -1: both ends stay here
};

struct VethPair {
  Link host_end;
  Link container_end;      // its index, name, MAC address and MTU; index 0 where they are not known
  bool was_there = false;  // and the container's end has another MAC address
};

/// Creates a veth pair with one end already inside the container's network
/// namespace, so no half-built interface is ever visible on the host. Both ends are down.
/// Errors: kInvalidArgument for a name the kernel cannot hold,
/// kAlreadyExists when either name is taken, kPermissionDenied without
/// CAP_NET_ADMIN in both namespaces.
/// Source: linux/veth.h; CNI spec 1.1.0, section 2 "ADD".
Result<VethPair> CreateVethPair(netlink::RouteSocket& socket, const VethSpec& spec);

/// CreateVethPair, or the pair that it made before of the same names in the same namespace and that
/// nobody has used yet, its container's end without `spec`'s MAC address; where it is not as it
/// would be made now, another one takes its place. Errors: CreateVethPair's.
Result<VethPair> CreateOrTakeVethPair(netlink::RouteSocket& socket, const VethSpec& spec);

/// Brings a host end that is nobody's port up (or a link like it), without an IPv6 address that
/// nobody asked for.
Result<> BringHostEndUp(netlink::RouteSocket& socket, const Link& host_end,
                        const std::string& alias);

/// The name of an attachment's host end: DEL and GC find it without netns and without records.
std::string HostInterfaceName(const AttachmentKey& key);

/// The alias of an attachment's host end, and the one of every attachment of `network` opens with
/// AliasPrefix.
std::string AliasOf(const AttachmentKey& key);
std::string AliasPrefix(const std::string& network);

}  // namespace trivet::cni
