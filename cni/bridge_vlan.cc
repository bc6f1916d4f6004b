#include "cni/bridge_vlan.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace trivet::cni {
namespace {

constexpr uint16_t kUntaggedOfPort = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;

Error NoFiltering(std::string_view bridge) {
  return {Code::kUnimplemented,
          fmt::format("bridge {}: this kernel filters no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)",
                      bridge)};
}

void AppendVlan(netlink::Request& request, uint16_t id, uint16_t flags) {
  const bridge_vlan_info info{.flags = flags, .vid = id};
  request.Bytes(IFLA_BRIDGE_VLAN_INFO, std::as_bytes(std::span(&info, 1)));
}

// The kernel's word for a feature that it was built without.
Result<> NameTheLack(Result<> done, const Link& bridge) {
  if (done || done.error().sys_errno() != EOPNOTSUPP) return done;
  return std::unexpected(NoFiltering(bridge.name));
}

Result<> ChangeVlans(netlink::RouteSocket& socket, const Link& bridge, const Link& port,
                     const netlink::Request& request) {
  return NameTheLack(socket.Execute(request, fmt::format("set VLANs of port {}", port.name)),
                     bridge);
}

// Gone already is what is wanted.
Result<> RemoveDefault(netlink::RouteSocket& socket, const Link& bridge, const Link& port) {
  if (bridge.default_vlan == 0) return {};
  auto removed = ChangeVlans(socket, bridge, port,
                             PortVlanRequest(VlanChange::kDelete, port.index,
                                             {{bridge.default_vlan, bridge.default_vlan}}, 0));
  if (!removed && removed.error().code() == Code::kNotFound) return {};
  return removed;
}

}  // namespace

netlink::Request PortVlanRequest(VlanChange change, uint32_t port_index,
                                 const std::vector<VlanRange>& ranges, uint16_t flags) {
  ifinfomsg header{};
  header.ifi_family = AF_BRIDGE;
  header.ifi_index = static_cast<int>(port_index);
  netlink::Request request(change == VlanChange::kAdd ? RTM_SETLINK : RTM_DELLINK, 0);
  request.Struct(header).Nest(IFLA_AF_SPEC, [&](auto& spec) {
    for (const VlanRange& range : ranges) {
      if (range.first == range.last) {
        AppendVlan(spec, range.first, flags);
        continue;
      }
      AppendVlan(spec, range.first, flags | BRIDGE_VLAN_INFO_RANGE_BEGIN);
      AppendVlan(spec, range.last, flags | BRIDGE_VLAN_INFO_RANGE_END);
    }
  });
  return request;
}

Result<> FilterVlans(netlink::RouteSocket& socket, const Link& bridge) {
  if (!bridge.filters_vlans) return std::unexpected(NoFiltering(bridge.name));
  if (*bridge.filters_vlans) return {};
  ifinfomsg header{};
  header.ifi_index = static_cast<int>(bridge.index);
  netlink::Request request(RTM_NEWLINK, 0);
  request.Struct(header).Nest(IFLA_LINKINFO, [](auto& info) {
    info.String(IFLA_INFO_KIND, "bridge").Nest(IFLA_INFO_DATA, [](auto& data) {
      data.U8(IFLA_BR_VLAN_FILTERING, 1);
    });
  });
  return NameTheLack(
      socket.Execute(request, fmt::format("set vlan_filtering of bridge {}", bridge.name)), bridge);
}

Result<> SetPortVlans(netlink::RouteSocket& socket, const Link& bridge, const Link& port,
                      const PortVlans& vlans) {
  if (vlans.untagged == 0 && vlans.trunk.empty()) return {};
  if (!vlans.keep_default) RETURN_IF_ERROR(RemoveDefault(socket, bridge, port));
  // A trunk without a VLAN of its own has the reference plugin's: 1.
  const uint16_t untagged = vlans.untagged != 0 ? vlans.untagged : uint16_t{1};
  if (!vlans.trunk.empty()) {
    RETURN_IF_ERROR(ChangeVlans(socket, bridge, port,
                                PortVlanRequest(VlanChange::kAdd, port.index, vlans.trunk, 0)));
  }
  return ChangeVlans(
      socket, bridge, port,
      PortVlanRequest(VlanChange::kAdd, port.index, {{untagged, untagged}}, kUntaggedOfPort));
}

}  // namespace trivet::cni
