#include "tests/bench/cri/floor_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include "common/base/unique_fd.h"
#include "common/linux/netns.h"

namespace trivet::bench::floor {
namespace {

using netlink::Request;
using netlink::RouteSocket;

constexpr const char* kHostEnd = "floorveth";
constexpr uint32_t kLoopback = 1;
constexpr uint8_t kPrefixBits = 16;

Result<uint32_t> IndexOf(RouteSocket& socket, const char* name) {
  Request request(RTM_GETLINK, 0);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name);
  ASSIGN_OR_RETURN(const auto link, socket.Query(request, "find link"));
  return static_cast<uint32_t>(link.Header<ifinfomsg>().ifi_index);
}

Result<> SetUp(RouteSocket& socket, uint32_t index) {
  Request request(RTM_NEWLINK, 0);
  request.Struct(
      ifinfomsg{.ifi_index = static_cast<int>(index), .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
  return socket.Execute(request, "set link up");
}

Result<> AddAddress(RouteSocket& socket, uint32_t index, const char* address) {
  const in_addr_t number = ::inet_addr(address);
  Request request(RTM_NEWADDR, NLM_F_CREATE);
  request.Struct(
      ifaddrmsg{.ifa_family = AF_INET, .ifa_prefixlen = kPrefixBits, .ifa_index = index});
  request.U32(IFA_LOCAL, number).U32(IFA_ADDRESS, number);
  return socket.Execute(request, "add address");
}

Result<> AddDefaultRoute(RouteSocket& socket, const char* gateway) {
  Request request(RTM_NEWROUTE, NLM_F_CREATE);
  request.Struct(rtmsg{.rtm_family = AF_INET,
                       .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = RTPROT_BOOT,
                       .rtm_scope = RT_SCOPE_UNIVERSE,
                       .rtm_type = RTN_UNICAST});
  return socket.Execute(request.U32(RTA_GATEWAY, ::inet_addr(gateway)), "add route");
}

Result<> AddVeth(RouteSocket& socket, uint32_t bridge, int netns_fd) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{.ifi_flags = IFF_UP, .ifi_change = IFF_UP})
      .String(IFLA_IFNAME, kHostEnd)
      .U32(IFLA_MASTER, bridge)
      .U32(IFLA_NUM_TX_QUEUES, 1)  // more are waited for
      .U32(IFLA_NUM_RX_QUEUES, 1);
  request.Nest(IFLA_LINKINFO, [&](auto& info) {
    info.String(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, [&](auto& data) {
      data.Nest(VETH_INFO_PEER, [&](auto& peer) {
        peer.Struct(ifinfomsg{}).String(IFLA_IFNAME, "eth0");
        peer.U32(IFLA_NUM_TX_QUEUES, 1).U32(IFLA_NUM_RX_QUEUES, 1);
        peer.U32(IFLA_NET_NS_FD, static_cast<uint32_t>(netns_fd));
      });
    });
  });
  return socket.Execute(request, "add veth");
}

}  // namespace

Result<uint32_t> MakeBridge(RouteSocket& socket, const char* name) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name);
  request.Nest(IFLA_LINKINFO, [](auto& info) { info.String(IFLA_INFO_KIND, "bridge"); });
  RETURN_IF_ERROR(socket.Execute(request, "add bridge"));
  ASSIGN_OR_RETURN(const uint32_t index, IndexOf(socket, name));
  RETURN_IF_ERROR(AddAddress(socket, index, "10.60.0.1"));
  RETURN_IF_ERROR(SetUp(socket, index));
  return index;
}

Result<> Connect(RouteSocket& socket, uint32_t bridge, const char* netns) {
  const UniqueFd netns_fd(::open(netns, O_RDONLY | O_CLOEXEC));
  if (!netns_fd.valid()) return FailErrno("open {}", netns);
  RETURN_IF_ERROR(AddVeth(socket, bridge, netns_fd.get()));
  ASSIGN_OR_RETURN(RouteSocket inside, OpenRouteSocketIn(netns));
  ASSIGN_OR_RETURN(const uint32_t eth0, IndexOf(inside, "eth0"));
  RETURN_IF_ERROR(SetUp(inside, kLoopback));
  RETURN_IF_ERROR(AddAddress(inside, eth0, "10.60.0.2"));
  RETURN_IF_ERROR(SetUp(inside, eth0));
  return AddDefaultRoute(inside, "10.60.0.1");
}

Result<> Disconnect(RouteSocket& socket) {
  Request request(RTM_DELLINK, 0);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, kHostEnd);
  return socket.Execute(request, "delete veth");
}

}  // namespace trivet::bench::floor
