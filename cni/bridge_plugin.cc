#include "cni/bridge_plugin.h"

#include <net/if.h>

#include <algorithm>

#include "cni/bridge.h"
#include "cni/bridge_gateway.h"
#include "cni/operational.h"
#include "cni/spoof_check.h"
#include "cni/vlan_gateway.h"
#include "common/linux/file.h"

namespace trivet::cni {

Result<std::unique_ptr<Plugin>> BridgePlugin::Make(const NetConf& conf,
                                                   const Environment& environment) {
  ASSIGN_OR_RETURN(BridgeConf bridge, ParseBridgeConf(conf, environment));
  ASSIGN_OR_RETURN(auto ipam, MakeIpam(conf, environment));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<BridgePlugin>(conf, environment, std::move(bridge), std::move(ipam));
  return plugin;
}

BridgePlugin::BridgePlugin(const NetConf& conf, const Environment& environment, BridgeConf bridge,
                           std::unique_ptr<Ipam> ipam)
    : VethPlugin(conf, environment, std::move(ipam), bridge.masquerade),
      bridge_(std::move(bridge)) {}

void BridgePlugin::Describe(Attachment& record) const {
  record.bridge = bridge_.bridge;
  record.owns_bridge = bridge_.ephemeral;
  record.mac = bridge_.mac;
  if (bridge_.is_gateway && bridge_.vlans.untagged != 0) {
    record.vlan_gateway = VlanGatewayName(bridge_);
  }
}

Result<> BridgePlugin::Complete(AddResult& result) const {
  CompleteGateways(bridge_, result);
  return {};
}

Result<std::vector<Interface>> BridgePlugin::Connect(netlink::RouteSocket& socket,
                                                     const AddResult& result, Attachment& record) {
  ASSIGN_OR_RETURN(const Shared shared, EnsureShared(socket, result, record));
  ASSIGN_OR_RETURN(const VethPair pair, CreateVeth(socket, record,
                                                   {.mtu_bytes = bridge_.mtu_bytes,
                                                    .bridge_index = shared.bridge.index}));
  const Link& host_end = pair.host_end;
  RETURN_IF_ERROR(SetPortVlans(socket, shared.bridge, host_end, bridge_.vlans));
  ASSIGN_OR_RETURN(ContainerLink container_end, ConfigureContainer(pair, result));
  RETURN_IF_ERROR(CheckSenders(container_end.link, record));
  RETURN_IF_ERROR(GuardSenders(record));
  // Last: from here on packets flow, and everything that judges them is in force.
  RETURN_IF_ERROR(BringPortUp(socket, host_end,
                              {.alias = AliasOf(record.key),
                               .hairpin = bridge_.hairpin,
                               .isolated = bridge_.isolated_ports}));
  if (!bridge_.container_down) {
    RETURN_IF_ERROR(AwaitBothEnds(socket, host_end, container_end));
    RETURN_IF_ERROR(AwaitGateway(socket, shared.bridge));
  }
  std::vector<Interface> interfaces{DescribeLink(shared.bridge, ""), DescribeLink(host_end, ""),
                                    DescribeLink(container_end.link, environment().netns)};
  if (shared.vlan_gateway) interfaces.push_back(DescribeLink(*shared.vlan_gateway, ""));
  return interfaces;
}

// An ephemeral bridge goes with its last port: none may be there that no DEL will remove.
Result<VethSpec> BridgePlugin::PlanPrepared(netlink::RouteSocket& socket) const {
  if (bridge_.ephemeral)
    return Fail(Code::kUnimplemented, "bridge {} is ephemeral", bridge_.bridge);
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, bridge_.bridge));
  if (!bridge || bridge->kind != "bridge") {
    return Fail(Code::kUnavailable, "there is no bridge {}", bridge_.bridge);
  }
  RETURN_IF_ERROR(KeepBridgeMac(socket, *bridge, paths().bridge_mark(bridge_.bridge)));
  return VethSpec{.mtu_bytes = bridge_.mtu_bytes, .bridge_index = bridge->index};
}

// A bridge gets its carrier from the first port, and without it drops what the node itself sends.
// One with a spanning tree has it when the ports forward, for which nobody waits here.
Result<> BridgePlugin::AwaitGateway(netlink::RouteSocket& socket, const Link& bridge) const {
  if (!bridge_.is_gateway || bridge.operational) return {};
  auto operational = AwaitOperational(socket, bridge.name);
  if (!operational && operational.error().code() == Code::kDeadlineExceeded) return {};
  return operational;
}

Result<BridgePlugin::Shared> BridgePlugin::EnsureShared(netlink::RouteSocket& socket,
                                                        const AddResult& result,
                                                        const Attachment& record) {
  ASSIGN_OR_RETURN(const FileLock network_lock, LockNetwork());
  ASSIGN_OR_RETURN(const FileLock bridge_lock,
                   FileLock::Acquire(paths().bridge_lock(bridge_.bridge)));
  Shared shared;
  ASSIGN_OR_RETURN(shared.bridge,
                   EnsureBridge(socket, {.name = bridge_.bridge,
                                         .mark = paths().bridge_mark(bridge_.bridge),
                                         .promiscuous = bridge_.promiscuous,
                                         .filter_vlans = filters_vlans(),
                                         .call_firewall = conf().policy.has_value()}));
  if (!record.vlan_gateway.empty()) {
    ASSIGN_OR_RETURN(shared.vlan_gateway, EnsureVlanGateway(socket, shared.bridge, bridge_));
  }
  if (bridge_.is_gateway) {
    const Link& holder = shared.vlan_gateway ? *shared.vlan_gateway : shared.bridge;
    for (const IpPrefix& gateway : GatewayAddresses(result)) {
      RETURN_IF_ERROR(EnsureBridgeAddress(socket, holder, gateway, bridge_.force_address));
    }
  }
  RETURN_IF_ERROR(EnsureNetwork(socket, result, record,
                                bridge_.is_gateway ? Forwarding::kOn : Forwarding::kAsItIs));
  return shared;
}

// Recorded first: DEL has to know the address.
Result<> BridgePlugin::CheckSenders(const Link& container_end, Attachment& record) {
  if (!bridge_.spoof_check) return {};
  record.spoof_checked_mac = container_end.mac;
  RETURN_IF_ERROR(attachments().Write(record), "record");
  return SpoofCheck(paths().spoof_check_lock()).Add(record.host_interface, container_end.mac);
}

ContainerEnd BridgePlugin::PlanContainerEnd(const AddResult& result) const {
  ContainerEnd end;
  end.ips = result.ips;
  end.routes = result.routes;
  end.up = !bridge_.container_down;
  if (bridge_.detect_duplicates) end.detection = DuplicateDetection::kOn;
  return end;
}

Result<> BridgePlugin::CheckHostSide(netlink::RouteSocket& socket, const Link& host_end,
                                     const AddResult& own) {
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, bridge_.bridge));
  if (!bridge || bridge->kind != "bridge") {
    return Fail(Code::kFailedPrecondition, "bridge {} is absent", bridge_.bridge);
  }
  if (host_end.master != bridge->index) {
    return Fail(Code::kFailedPrecondition, "link {} is no port of {}", host_end.name,
                bridge_.bridge);
  }
  RETURN_IF_ERROR(CheckBridge(*bridge));
  if (!bridge_.spoof_check) return {};
  return SpoofCheck(paths().spoof_check_lock()).Check(host_end.name, own.interfaces.front().mac);
}

Result<> BridgePlugin::CheckBridge(const Link& bridge) {
  if ((bridge.flags & IFF_UP) == 0) {
    return Fail(Code::kFailedPrecondition, "bridge {} is down", bridge.name);
  }
  const bool promiscuous = (bridge.flags & IFF_PROMISC) != 0;
  if (promiscuous != bridge_.promiscuous) {
    return Fail(Code::kFailedPrecondition, "bridge {} is {}promiscuous", bridge.name,
                promiscuous ? "" : "not ");
  }
  if (filters_vlans() && bridge.filters_vlans != true) {
    return Fail(Code::kFailedPrecondition, "bridge {} does not filter by VLAN", bridge.name);
  }
  for (const Interface& interface : conf().previous->interfaces) {
    const bool same = interface.name == bridge.name && interface.sandbox.empty();
    if (same && !interface.mac.empty() && interface.mac != bridge.mac) {
      return Fail(Code::kFailedPrecondition, "bridge {} has MAC address {}, not {}", bridge.name,
                  bridge.mac, interface.mac);
    }
  }
  return {};
}

// A bridge that is absent is made by the next ADD, but that does not bring its ports back.
Result<> BridgePlugin::CheckReady(netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, bridge_.bridge));
  if (bridge && bridge->kind != "bridge") {
    return Fail(Code::kUnavailable, "link {} exists and is no bridge", bridge_.bridge);
  }
  if (bridge && (bridge->flags & IFF_UP) != 0) return {};
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  ASSIGN_OR_RETURN(const std::vector<Attachment> listed, attachments().List(conf().name));
  const auto cut_off =
      std::count_if(listed.begin(), listed.end(), [&](const Attachment& attachment) {
        return attachment.complete && attachment.boot_id == boot_id &&
               attachment.bridge == bridge_.bridge;
      });
  if (cut_off == 0) return {};
  return Fail(Code::kFailedPrecondition, "bridge {} is {}, and cut off are {} attachments",
              bridge_.bridge, bridge ? "down" : "absent", cut_off);
}

}  // namespace trivet::cni
