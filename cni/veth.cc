#include "cni/veth.h"

#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <utility>

#include "cni/environment.h"
#include "cni/hash.h"
#include "cni/link.h"

namespace trivet::cni {
namespace {

// As many as are used: an end that is not told has one for each processor that there could be, of
// which the kernel takes all but one out of use, and waits for that.
constexpr uint32_t kQueues = 1;

// By the echo of the request; Linux before 6.2 has none.
Result<Link> ReadHostEnd(netlink::RouteSocket& socket, const netlink::Request& request,
                         const VethSpec& spec) {
  const auto echo = socket.Query(
      request, fmt::format("create veth {} with peer {}", spec.host_name, spec.container_name));
  if (!echo && echo.error().sys_errno() != 0) return std::unexpected(echo.error());
  if (echo) {
    Link link = ParseLink(*echo);
    if (link.name == spec.host_name) return link;
  }
  return ReadLink(socket, spec.host_name);
}

VethPair PairOf(Link host_end, const VethSpec& spec) {
  VethPair pair{.host_end = std::move(host_end), .container_end = {}};
  if (spec.container_mac.empty()) return pair;
  pair.container_end.index = pair.host_end.peer;
  pair.container_end.name = spec.container_name;
  pair.container_end.mac = MacText(MacBytes(spec.container_mac));  // as the kernel spells it
  pair.container_end.mtu_bytes = pair.host_end.mtu_bytes;
  return pair;
}

// But for the container's MAC address. What brings up links of its own accord may have met it: the
// policy has to be in force first.
bool IsAsMade(const Link& host_end, const VethSpec& spec) {
  const uint32_t mtu_bytes = spec.mtu_bytes == 0 ? uint32_t{ETH_DATA_LEN} : spec.mtu_bytes;
  return (host_end.flags & IFF_UP) == 0 && host_end.master == spec.bridge_index &&
         host_end.mtu_bytes == mtu_bytes &&
         (spec.host_mac.empty() || host_end.mac == MacText(MacBytes(spec.host_mac)));
}

// In the socket's namespace; -1: it has none there, and no link points into it.
// Source: man 7 rtnetlink, RTM_GETNSID; linux/net_namespace.h.
Result<int32_t> ReadNetnsId(netlink::RouteSocket& socket, int netns_fd) {
  netlink::Request request(RTM_GETNSID, 0);
  request.Struct(rtgenmsg{}).U32(NETNSA_FD, static_cast<uint32_t>(netns_fd));
  ASSIGN_OR_RETURN(const netlink::Message answer, socket.Query(request, "read namespace id"));
  const auto id = answer.AttributesAfter<rtgenmsg>().U32(NETNSA_NSID);
  return static_cast<int32_t>(id.value_or(UINT32_MAX));
}

// Whoever uses one gives it an alias. The id is asked for last: the kernel gives one to a namespace
// when it tells of a link's other end there.
Result<std::optional<Link>> FindUnused(netlink::RouteSocket& socket, const VethSpec& spec) {
  ASSIGN_OR_RETURN(auto host_end, FindLink(socket, spec.host_name));
  if (!host_end || host_end->kind != "veth" || !host_end->alias.empty()) return std::nullopt;
  if (!host_end->peer_netns || spec.container_netns_fd < 0) return std::nullopt;
  ASSIGN_OR_RETURN(const int32_t netns, ReadNetnsId(socket, spec.container_netns_fd));
  if (host_end->peer_netns != netns) return std::nullopt;
  return host_end;
}

}  // namespace

Result<VethPair> CreateVethPair(netlink::RouteSocket& socket, const VethSpec& spec) {
  RETURN_IF_ERROR(CheckInterfaceName(spec.host_name), "host end");
  RETURN_IF_ERROR(CheckInterfaceName(spec.container_name), "container end");

  const auto add_size = [&](netlink::Request& end) {
    if (spec.mtu_bytes != 0) end.U32(IFLA_MTU, spec.mtu_bytes);
    end.U32(IFLA_NUM_TX_QUEUES, kQueues).U32(IFLA_NUM_RX_QUEUES, kQueues);
  };
  netlink::Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, spec.host_name);
  if (spec.bridge_index != 0) request.U32(IFLA_MASTER, spec.bridge_index);
  if (!spec.host_mac.empty()) request.Bytes(IFLA_ADDRESS, MacBytes(spec.host_mac));
  add_size(request);
  request.Nest(IFLA_LINKINFO, [&](auto& info) {
    info.String(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, [&](auto& data) {
      data.Nest(VETH_INFO_PEER, [&](auto& peer) {
        peer.Struct(ifinfomsg{}).String(IFLA_IFNAME, spec.container_name);
        add_size(peer);
        if (!spec.container_mac.empty()) peer.Bytes(IFLA_ADDRESS, MacBytes(spec.container_mac));
        if (spec.container_netns_fd >= 0) {
          peer.U32(IFLA_NET_NS_FD, static_cast<uint32_t>(spec.container_netns_fd));
        }
      });
    });
  });
  ASSIGN_OR_RETURN(Link host_end, ReadHostEnd(socket, request, spec));
  return PairOf(std::move(host_end), spec);
}

Result<VethPair> CreateOrTakeVethPair(netlink::RouteSocket& socket, const VethSpec& spec) {
  auto created = CreateVethPair(socket, spec);
  if (created || created.error().code() != Code::kAlreadyExists) return created;
  ASSIGN_OR_RETURN(auto unused, FindUnused(socket, spec));
  if (!unused) return created;
  if (!IsAsMade(*unused, spec)) {
    RETURN_IF_ERROR(DeleteLink(socket, spec.host_name));
    return CreateVethPair(socket, spec);
  }
  VethPair pair = PairOf(std::move(*unused), spec);
  pair.was_there = true;
  return pair;
}

// Up by a request of its own: the kernel brings a link up before it reads how it is to be
// addressed.
Result<> BringHostEndUp(netlink::RouteSocket& socket, const Link& host_end,
                        const std::string& alias) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(host_end.index);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header).String(IFLA_IFALIAS, alias);
  RETURN_IF_ERROR(
      ExecuteWithNoIpv6Address(socket, request, fmt::format("configure link {}", host_end.name)));
  return SetLinkFlags(socket, host_end, IFF_UP, IFF_UP);
}

std::string HostInterfaceName(const AttachmentKey& key) {
  constexpr int kDigits = 11;  // with "veth": the 15 bytes of an interface name
  const uint64_t hash = Hash(key.network + '\0' + key.container_id + '\0' + key.ifname);
  return fmt::format("veth{:011x}", hash >> (64 - 4 * kDigits));
}

std::string AliasPrefix(const std::string& network) {
  return fmt::format("trivet {} ", network);
}

std::string AliasOf(const AttachmentKey& key) {
  constexpr size_t kMaxAliasBytes = 254;  // IFALIASZ - 1, and the NUL counts, too
  return fmt::format("{}{} {}", AliasPrefix(key.network), key.container_id, key.ifname)
      .substr(0, kMaxAliasBytes);
}

}  // namespace trivet::cni
