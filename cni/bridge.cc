#include "cni/bridge.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "cni/address.h"
#include "cni/bridge_vlan.h"
#include "cni/sysctl.h"
#include "common/linux/file.h"
#include "common/linux/state_file.h"

namespace trivet::cni {
namespace {

// Random, because two nodes on one segment may have bridges of one name. Given at birth: a bridge
// without an address of its own takes the lowest of its ports', so it would change with the pods.
Result<std::array<std::byte, 6>> RandomMac() {
  std::array<std::byte, 6> mac{};
  if (::getrandom(mac.data(), mac.size(), 0) != static_cast<ssize_t>(mac.size())) {
    return FailErrno("getrandom");
  }
  mac[0] = (mac[0] & std::byte{0xfc}) | std::byte{0x02};  // locally administered, unicast
  return mac;
}

// Written with the bridge's lock held. Of one name, so that it is found when its writer was killed.
std::filesystem::path SiblingOf(const std::filesystem::path& mark) {
  return mark.parent_path() / fmt::format(".{}.tmp", mark.filename().native());
}

Result<> CreateBridge(netlink::RouteSocket& socket, const BridgeSpec& spec) {
  ASSIGN_OR_RETURN(const auto mac, RandomMac());
  RETURN_IF_ERROR(EnsureDirectory(spec.mark.parent_path()));
  RETURN_IF_ERROR(WriteFileThrough(SiblingOf(spec.mark), spec.mark, MacText(mac)));
  netlink::Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  request.Struct(ifinfomsg{})
      .String(IFLA_IFNAME, spec.name)
      .Bytes(IFLA_ADDRESS, mac)
      .Nest(IFLA_LINKINFO, [](auto& info) { info.String(IFLA_INFO_KIND, "bridge"); });
  RETURN_IF_ERROR(socket.Execute(request, fmt::format("create bridge {}", spec.name)));
  const std::string v6 = fmt::format("net/ipv6/conf/{}/", spec.name);
  // Its link-local address is what neighbours of forwarded packets are asked with: from the start.
  RETURN_IF_ERROR(SetSysctlIfPresent(v6 + "accept_dad", "0"));
  // A pod must not be able to configure the host by router advertisements.
  return SetSysctlIfPresent(v6 + "accept_ra", "0");
}

Result<> SetToItsMac(netlink::RouteSocket& socket, const Link& bridge) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(bridge.index);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header).Bytes(IFLA_ADDRESS, MacBytes(bridge.mac));
  return socket.Execute(request, fmt::format("keep the MAC address of bridge {}", bridge.name));
}

Result<> CallFirewall(netlink::RouteSocket& socket, const Link& bridge) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(bridge.index);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header).Nest(IFLA_LINKINFO, [](auto& info) {
    info.String(IFLA_INFO_KIND, "bridge").Nest(IFLA_INFO_DATA, [](auto& data) {
      data.U8(IFLA_BR_NF_CALL_IPTABLES, 1).U8(IFLA_BR_NF_CALL_IP6TABLES, 1);
    });
  });
  return socket.Execute(request, fmt::format("set nf_call_iptables of bridge {}", bridge.name));
}

Result<bool> HasPorts(netlink::RouteSocket& socket, const Link& bridge) {
  ASSIGN_OR_RETURN(const std::vector<Link> links, ListLinks(socket));
  return std::any_of(links.begin(), links.end(),
                     [&](const Link& link) { return link.master == bridge.index; });
}

bool InTheWay(const IpPrefix& there, const IpPrefix& wanted) {
  if (there.address.is_v4() != wanted.address.is_v4()) return false;
  return there.address.is_v4() || there.Overlaps(wanted);
}

}  // namespace

Result<Link> EnsureBridge(netlink::RouteSocket& socket, const BridgeSpec& spec) {
  ASSIGN_OR_RETURN(auto bridge, FindLink(socket, spec.name));
  if (!bridge) {
    RETURN_IF_ERROR(CreateBridge(socket, spec));
    ASSIGN_OR_RETURN(bridge, ReadLink(socket, spec.name));
  }
  if (bridge->kind != "bridge") {
    return Fail(Code::kAlreadyExists, "link {} exists and is no bridge", spec.name);
  }
  RETURN_IF_ERROR(KeepBridgeMac(socket, *bridge, spec.mark));
  if (spec.filter_vlans) RETURN_IF_ERROR(FilterVlans(socket, *bridge));
  if (spec.call_firewall) RETURN_IF_ERROR(CallFirewall(socket, *bridge));
  const uint32_t wanted = IFF_UP | (spec.promiscuous ? uint32_t{IFF_PROMISC} : 0U);
  if ((bridge->flags & wanted) != wanted) {
    RETURN_IF_ERROR(SetLinkFlags(socket, *bridge, wanted, wanted));
  }
  return std::move(*bridge);
}

Result<> KeepBridgeMac(netlink::RouteSocket& socket, const Link& bridge,
                       const std::filesystem::path& mark) {
  if (ReadFile(mark).value_or("") == bridge.mac) return {};
  return SetToItsMac(socket, bridge);
}

Result<> RemoveBridge(netlink::RouteSocket& socket, const BridgeSpec& spec) {
  RETURN_IF_ERROR(RemoveFile(SiblingOf(spec.mark)));
  const auto mark = ReadFile(spec.mark);
  if (!mark && mark.error().code() == Code::kNotFound) return {};
  if (!mark) return std::unexpected(mark.error());
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, spec.name));
  if (bridge && bridge->kind == "bridge" && bridge->mac == *mark) {
    ASSIGN_OR_RETURN(const bool used, HasPorts(socket, *bridge));  // by another network
    if (used) return {};
    RETURN_IF_ERROR(DeleteLink(socket, spec.name));
  }
  return RemoveFile(spec.mark);
}

Result<> EnsureBridgeAddress(netlink::RouteSocket& socket, const Link& bridge,
                             const IpPrefix& address, bool force) {
  ASSIGN_OR_RETURN(const std::vector<IpPrefix> there, ListAddresses(socket, bridge));
  for (const IpPrefix& other : there) {
    if (other == address) return {};
  }
  for (const IpPrefix& other : there) {
    if (!InTheWay(other, address)) continue;
    if (!force) {
      return Fail(Code::kAlreadyExists,
                  "bridge {} has address {}, not {}; forceAddress replaces it", bridge.name,
                  other.ToString(), address.ToString());
    }
    RETURN_IF_ERROR(DeleteAddress(socket, bridge, other));
  }
  return AddAddress(socket, bridge, address);
}

Result<> BringPortUp(netlink::RouteSocket& socket, const Link& port, const PortSpec& spec) {
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(port.index);
  netlink::Request request(RTM_NEWLINK, 0);
  // The kernel ignores an alias at a link's birth.
  request.Struct(header).String(IFLA_IFALIAS, spec.alias);
  request.Nest(IFLA_LINKINFO, [&](auto& info) {
    info.String(IFLA_INFO_SLAVE_KIND, "bridge").Nest(IFLA_INFO_SLAVE_DATA, [&](auto& data) {
      data.U8(IFLA_BRPORT_MODE, spec.hairpin ? 1 : 0)
          .U8(IFLA_BRPORT_ISOLATED, spec.isolated ? 1 : 0);
    });
  });
  // A bridge's port needs no IPv6 address of its own, and each one costs multicast work per port.
  RETURN_IF_ERROR(
      ExecuteWithNoIpv6Address(socket, request, fmt::format("configure port {}", port.name)));
  return SetLinkFlags(socket, port, IFF_UP, IFF_UP);
}

}  // namespace trivet::cni
