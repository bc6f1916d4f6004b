#include "tests/bench/cni/kernel_floor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>

#include "common/base/unique_fd.h"
#include "common/linux/netlink.h"

namespace trivet::bench::floor {
namespace {

using netlink::Request;
using netlink::RouteSocket;

constexpr unsigned char kBridgedLength = 16;
constexpr unsigned char kHostLength = 32;
constexpr uint32_t kLinkLocalGateway = 0xa9fee701;  // 169.254.231.1

unsigned IndexOf(const std::string& name) {
  return ::if_nametoindex(name.c_str());
}

ifinfomsg Header(unsigned index, bool up = false) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(index);
  if (up) header.ifi_flags = header.ifi_change = IFF_UP;
  return header;
}

Result<> SetUp(RouteSocket& socket, unsigned index) {
  Request request(RTM_NEWLINK, 0);
  return socket.Execute(request.Struct(Header(index, true)), "up");
}

Result<> AddAddress(RouteSocket& socket, unsigned index, uint32_t address, unsigned char length) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = length;
  header.ifa_index = index;
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(header).U32(IFA_LOCAL, htonl(address)).U32(IFA_ADDRESS, htonl(address));
  return socket.Execute(request, "address");
}

// A route of a /24, as the plugins that share the pod have another.
constexpr uint32_t kRoute = 0xc612e700;  // 198.18.231.0

// To one address on the link, or to kRoute by `gateway`.
Result<> AddRoute(RouteSocket& socket, unsigned index, uint32_t address, uint32_t gateway) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = gateway == 0 ? kHostLength : 24;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_type = RTN_UNICAST;
  header.rtm_scope = gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(header).U32(RTA_OIF, index).U32(RTA_DST, htonl(address));
  if (gateway != 0) request.U32(RTA_GATEWAY, htonl(gateway));
  return socket.Execute(request, "route");
}

Result<> CreateVeth(RouteSocket& socket, const Attachment& attachment, const UniqueFd& netns) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, attachment.host_interface);
  request.U32(IFLA_NUM_TX_QUEUES, 1).U32(IFLA_NUM_RX_QUEUES, 1);  // more are waited for
  if (!attachment.bridge.empty()) request.U32(IFLA_MASTER, IndexOf(attachment.bridge));
  request.Nest(IFLA_LINKINFO, [&](auto& info) {
    info.String(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, [&](auto& data) {
      data.Nest(VETH_INFO_PEER, [&](auto& peer) {
        peer.Struct(ifinfomsg{})
            .String(IFLA_IFNAME, attachment.ifname)
            .U32(IFLA_NUM_TX_QUEUES, 1)
            .U32(IFLA_NUM_RX_QUEUES, 1)
            .U32(IFLA_NET_NS_FD, static_cast<uint32_t>(netns.get()));
      });
    });
  });
  return socket.Execute(request, "veth");
}

Result<> ConfigureContainerEnd(RouteSocket& socket, const Attachment& attachment) {
  const bool routed = attachment.bridge.empty();
  const unsigned index = IndexOf(attachment.ifname);
  RETURN_IF_ERROR(
      AddAddress(socket, index, attachment.address, routed ? kHostLength : kBridgedLength));
  RETURN_IF_ERROR(SetUp(socket, index));
  if (routed) RETURN_IF_ERROR(AddRoute(socket, index, kLinkLocalGateway, 0));
  return AddRoute(socket, index, 0,
                  routed ? kLinkLocalGateway : (attachment.address & 0xffff0000) + 1);
}

Result<> ConfigureHostEnd(RouteSocket& socket, const Attachment& attachment) {
  const unsigned index = IndexOf(attachment.host_interface);
  RETURN_IF_ERROR(SetUp(socket, index));
  if (!attachment.bridge.empty()) return {};
  RETURN_IF_ERROR(AddAddress(socket, index, kLinkLocalGateway, kHostLength));
  return AddRoute(socket, index, attachment.address, 0);
}

}  // namespace

Result<> Add(const Attachment& attachment) {
  const UniqueFd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const UniqueFd netns(::open(attachment.netns.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open {}", attachment.netns);
  ASSIGN_OR_RETURN(auto host, RouteSocket::Open());
  RETURN_IF_ERROR(CreateVeth(host, attachment, netns));
  if (::setns(netns.get(), CLONE_NEWNET) != 0) return FailErrno("setns");
  ASSIGN_OR_RETURN(auto container, RouteSocket::Open());
  RETURN_IF_ERROR(ConfigureContainerEnd(container, attachment));
  if (::setns(own.get(), CLONE_NEWNET) != 0) return FailErrno("setns back");
  return ConfigureHostEnd(host, attachment);
}

Result<> Del(const Attachment& attachment) {
  ASSIGN_OR_RETURN(auto socket, RouteSocket::Open());
  Request request(RTM_DELLINK, 0);
  return socket.Execute(request.Struct(Header(IndexOf(attachment.host_interface))), "delete");
}

Result<> MakeBridge(const std::string& name, uint32_t address) {
  ASSIGN_OR_RETURN(auto socket, RouteSocket::Open());
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{}).String(IFLA_IFNAME, name).Nest(IFLA_LINKINFO, [](auto& info) {
    info.String(IFLA_INFO_KIND, "bridge");
  });
  RETURN_IF_ERROR(socket.Execute(request, "bridge"));
  RETURN_IF_ERROR(AddAddress(socket, IndexOf(name), address, kBridgedLength));
  return SetUp(socket, IndexOf(name));
}

}  // namespace trivet::bench::floor
