#pragma once

#include <memory>
#include <optional>

#include "cni/bridge_conf.h"
#include "cni/veth_plugin.h"

namespace trivet::cni {

/// Type "bridge": a veth pair whose host end is a port of a Linux bridge.
class BridgePlugin : public VethPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  BridgePlugin(const NetConf& conf, const Environment& environment, BridgeConf bridge,
               std::unique_ptr<Ipam> ipam);

 private:
  void Describe(Attachment& record) const override;
  [[nodiscard]] Result<> Complete(AddResult& result) const override;
  Result<std::vector<Interface>> Connect(netlink::RouteSocket& socket, const AddResult& result,
                                         Attachment& record) override;
  Result<VethSpec> PlanPrepared(netlink::RouteSocket& socket) const override;
  [[nodiscard]] ContainerEnd PlanContainerEnd(const AddResult& result) const override;
  Result<> CheckHostSide(netlink::RouteSocket& socket, const Link& host_end,
                         const AddResult& own) override;
  Result<> CheckReady(netlink::RouteSocket& socket) override;

  /// What the ports of the bridge share.
  struct Shared {
    Link bridge;
    std::optional<Link> vlan_gateway;
  };
  Result<Shared> EnsureShared(netlink::RouteSocket& socket, const AddResult& result,
                              const Attachment& record);
  Result<> AwaitGateway(netlink::RouteSocket& socket, const Link& bridge) const;
  Result<> CheckSenders(const Link& container_end, Attachment& record);
  Result<> CheckBridge(const Link& bridge);
  // A trunk's pods send tags, and of what has one no policy knows.
  [[nodiscard]] bool guards_senders() const override {
    return conf().policy.has_value() && bridge_.vlans.trunk.empty();
  }
  [[nodiscard]] bool filters_vlans() const {
    return bridge_.vlans.untagged != 0 || !bridge_.vlans.trunk.empty();
  }

  const BridgeConf bridge_;
};

}  // namespace trivet::cni
