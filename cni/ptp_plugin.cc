#include "cni/ptp_plugin.h"

#include "cni/address.h"
#include "cni/operational.h"
#include "cni/point_to_point.h"
#include "cni/route.h"

namespace trivet::cni {

Result<std::unique_ptr<Plugin>> PtpPlugin::Make(const NetConf& conf,
                                                const Environment& environment) {
  ASSIGN_OR_RETURN(PtpConf ptp, ParsePtpConf(conf, environment));
  ASSIGN_OR_RETURN(auto ipam, MakeIpam(conf, environment));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<PtpPlugin>(conf, environment, std::move(ptp), std::move(ipam));
  return plugin;
}

PtpPlugin::PtpPlugin(const NetConf& conf, const Environment& environment, PtpConf ptp,
                     std::unique_ptr<Ipam> ipam)
    : VethPlugin(conf, environment, std::move(ipam), ptp.masquerade), ptp_(std::move(ptp)) {}

Result<> PtpPlugin::Complete(AddResult& result) const {
  if (routed()) return MakeRouted(result);
  for (const IpConfig& ip : result.ips) {
    if (!ip.gateway) {
      return Fail(Code::kInvalidArgument, "address {} has no gateway", ip.address.ToString());
    }
  }
  return {};
}

Result<std::vector<Interface>> PtpPlugin::Connect(netlink::RouteSocket& socket,
                                                  const AddResult& result, Attachment& record) {
  {
    ASSIGN_OR_RETURN(const FileLock lock, LockNetwork());
    RETURN_IF_ERROR(EnsureNetwork(socket, result, record, Forwarding::kOn));
  }
  ASSIGN_OR_RETURN(const VethPair pair, CreateVeth(socket, record, PlanVeth()));
  const Link& host_end = pair.host_end;
  ASSIGN_OR_RETURN(ContainerLink container_end, ConfigureContainer(pair, result));
  if (!routed()) {
    for (const IpPrefix& gateway : HostAddresses(result)) {
      RETURN_IF_ERROR(AddAddress(socket, host_end, gateway));
    }
  }
  RETURN_IF_ERROR(GuardSenders(record));
  RETURN_IF_ERROR(BringHostEndUp(socket, host_end, AliasOf(record.key)));
  if (routed()) {
    for (const Neighbour& pod : PodNeighbours(result, container_end.link.mac)) {
      RETURN_IF_ERROR(AddNeighbour(socket, host_end, pod));
    }
  }
  // Last: from here on packets find the pod, and everything that judges them is in force.
  for (const Route& route : HostRoutes(result)) RETURN_IF_ERROR(AddRoute(socket, host_end, route));
  RETURN_IF_ERROR(AwaitBothEnds(socket, host_end, container_end));
  return std::vector<Interface>{DescribeLink(host_end, ""),
                                DescribeLink(container_end.link, environment().netns)};
}

VethSpec PtpPlugin::PlanVeth() const {
  return {.host_mac = routed() ? LinkGatewayMac() : "", .mtu_bytes = ptp_.mtu_bytes};
}

Result<VethSpec> PtpPlugin::PlanPrepared(netlink::RouteSocket& /*socket*/) const {
  return PlanVeth();
}

ContainerEnd PtpPlugin::PlanContainerEnd(const AddResult& result) const {
  ContainerEnd end;
  end.ips = result.ips;
  end.network_route = NetworkRoute::kOff;
  end.routes = routed() ? RoutedRoutes(result) : SubnetRoutes(result);
  if (routed()) end.neighbours = GatewayNeighbours(result);
  return end;
}

Result<> PtpPlugin::CheckHostSide(netlink::RouteSocket& socket, const Link& host_end,
                                  const AddResult& own) {
  RETURN_IF_ERROR(CheckRoutes(socket, host_end, HostRoutes(own)));
  if (!routed()) return {};
  return CheckNeighbours(socket, host_end, PodNeighbours(own, own.interfaces.front().mac));
}

}  // namespace trivet::cni
