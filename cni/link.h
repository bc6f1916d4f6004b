#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cni/add_result.h"
#include "common/base/error.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// A network interface as the kernel tells it.
struct Link {
  uint32_t index = 0;
  std::string name;
  std::string mac;   // "aa:bb:cc:dd:ee:ff"
  std::string kind;  // "bridge", "veth", ...; empty for hardware and lo
  std::string alias;
  uint32_t mtu_bytes = 0;
  uint32_t master = 0;                // the bridge's index; 0: none
  uint32_t peer = 0;                  // a veth's other end: its index in the namespace it is in
  std::optional<int32_t> peer_netns;  // that namespace's id in this one; none: it is this one
  uint32_t tx_queue_length = 0;       // packets
  uint32_t flags = 0;                 // IFF_UP, IFF_PROMISC, ...
  bool operational = false;           // both ends are up; a bridge has its carrier
  std::optional<bool> filters_vlans;  // a bridge; none: the kernel cannot
  uint16_t default_vlan = 0;          // a bridge: what each new port gets; 0: none
};

/// What the kernel's RTM_NEWLINK message tells.
Link ParseLink(const netlink::Message& message);

/// The interface of that name; none when there is none.
Result<std::optional<Link>> FindLink(netlink::RouteSocket& socket, const std::string& name);

/// The interface of that index; none when there is none.
Result<std::optional<Link>> FindLink(netlink::RouteSocket& socket, uint32_t index);

/// As FindLink. Errors: kNotFound when there is none.
Result<Link> ReadLink(netlink::RouteSocket& socket, const std::string& name);

Result<std::vector<Link>> ListLinks(netlink::RouteSocket& socket);

/// Sets the IFF_… bits of `flags` and clears those of `mask` that are not in it.
Result<> SetLinkFlags(netlink::RouteSocket& socket, const Link& link, uint32_t flags,
                      uint32_t mask);

/// Executes a request for a link that is down, by which it also gets no IPv6 address that nobody
/// asks for. Where the kernel has no IPv6 for it, since it was started without or the MTU is below
/// 1280 bytes, nothing is to be said. `what` as RouteSocket::Execute takes it.
Result<> ExecuteWithNoIpv6Address(netlink::RouteSocket& socket, const netlink::Request& request,
                                  std::string_view what);

/// Of a link that is down. `mac` as MacBytes takes it.
Result<> SetMac(netlink::RouteSocket& socket, const Link& link, const std::string& mac);

/// Absent is success: DEL is repeatable.
Result<> DeleteLink(netlink::RouteSocket& socket, const std::string& name);

/// As DeleteLink of each, with one wait for all that still use them instead of one for each.
Result<> DeleteLinks(netlink::RouteSocket& socket, const std::vector<std::string>& names);

/// How a result tells of it; `sandbox` is empty on the host's side.
Interface DescribeLink(const Link& link, const std::string& sandbox);

/// "aa:bb:cc:dd:ee:ff" as six bytes. The text was checked by the configuration's parser.
std::vector<std::byte> MacBytes(const std::string& mac);
std::string MacText(std::span<const std::byte> bytes);

}  // namespace trivet::cni
