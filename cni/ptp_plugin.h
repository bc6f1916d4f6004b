#pragma once

#include <memory>

#include "cni/ptp_conf.h"
#include "cni/veth_plugin.h"

namespace trivet::cni {

/// Type "ptp": a veth pair whose host end is a router's interface with one pod behind it.
///
/// In mode "routed" the pod has its address alone (/32, /128) and its gateway is 169.254.1.1 or
/// fe80::1, which no interface has: each end knows the other's hardware address for good, so
/// nothing is asked for on the link, nothing is shared between pods, and the cost of an ADD does
/// not grow with them.
class PtpPlugin : public VethPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  PtpPlugin(const NetConf& conf, const Environment& environment, PtpConf ptp,
            std::unique_ptr<Ipam> ipam);

 private:
  void Describe(Attachment& record) const override { record.mac = ptp_.mac; }
  [[nodiscard]] Result<> Complete(AddResult& result) const override;
  Result<std::vector<Interface>> Connect(netlink::RouteSocket& socket, const AddResult& result,
                                         Attachment& record) override;
  Result<VethSpec> PlanPrepared(netlink::RouteSocket& socket) const override;
  [[nodiscard]] ContainerEnd PlanContainerEnd(const AddResult& result) const override;
  Result<> CheckHostSide(netlink::RouteSocket& socket, const Link& host_end,
                         const AddResult& own) override;

  [[nodiscard]] VethSpec PlanVeth() const;
  [[nodiscard]] bool routed() const { return ptp_.mode == PtpConf::Mode::kRouted; }

  const PtpConf ptp_;
};

}  // namespace trivet::cni
