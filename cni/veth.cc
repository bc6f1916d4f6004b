#include "cni/veth.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

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
  VethPair pair;
  ASSIGN_OR_RETURN(pair.host_end, ReadHostEnd(socket, request, spec));
  if (spec.container_mac.empty()) return pair;
  pair.container_end.index = pair.host_end.peer;
  pair.container_end.name = spec.container_name;
  pair.container_end.mac = MacText(MacBytes(spec.container_mac));  // as the kernel spells it
  pair.container_end.mtu_bytes = pair.host_end.mtu_bytes;
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
  AddNoIpv6Address(request, host_end);
  RETURN_IF_ERROR(socket.Execute(request, fmt::format("configure link {}", host_end.name)));
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
