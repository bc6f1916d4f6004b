#include "cni/forwarding.h"

#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "cni/sysctl.h"

namespace trivet::cni {
namespace {

// /proc/sys tells as much, in five times the time.
bool Forwards(netlink::RouteSocket& socket, bool v4) {
  netconfmsg header{};
  header.ncm_family = v4 ? AF_INET : AF_INET6;
  netlink::Request request(RTM_GETNETCONF, 0);
  request.Struct(header).U32(NETCONFA_IFINDEX, static_cast<uint32_t>(NETCONFA_IFINDEX_ALL));
  const auto answer = socket.Query(request, "read the forwarding of all links");
  return answer && answer->AttributesAfter<netconfmsg>().U32(NETCONFA_FORWARDING).value_or(0) != 0;
}

}  // namespace

Result<> EnableForwarding(netlink::RouteSocket& socket, bool v4) {
  if (Forwards(socket, v4)) return {};
  return SetSysctl(v4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding", "1");
}

}  // namespace trivet::cni
