#include "cni/bandwidth/bandwidth_plugin.h"

#include <algorithm>

#include "cni/bandwidth/ifb.h"
#include "cni/bandwidth/traffic_control.h"
#include "cni/failures.h"
#include "cni/veth.h"
#include "common/linux/netns.h"

namespace trivet::cni {
namespace {

// Among the interfaces that prevResult says are the host's: a veth may lead elsewhere.
Result<Link> FindHostEnd(netlink::RouteSocket& socket, const Environment& environment,
                         const AddResult& previous) {
  if (previous.interfaces.empty()) {
    return Fail(Code::kInvalidArgument, "prevResult: no interfaces");
  }
  ASSIGN_OR_RETURN(auto inside, OpenRouteSocketIn(environment.netns));
  ASSIGN_OR_RETURN(const Link container_end, ReadLink(inside, environment.ifname));
  if (container_end.kind != "veth" || container_end.peer == 0) {
    return Fail(Code::kInvalidArgument, "container interface {} has no veth peer",
                environment.ifname);
  }
  for (const Interface& interface : previous.interfaces) {
    if (!interface.sandbox.empty()) continue;
    ASSIGN_OR_RETURN(const auto link, FindLink(socket, interface.name));
    if (link && link->index == container_end.peer && link->peer == container_end.index) {
      return *link;
    }
  }
  return Fail(Code::kInvalidArgument, "prevResult: none of its interfaces is the host end of {}",
              environment.ifname);
}

// The link that the record means; a later one of the same name is another pod's.
Result<std::optional<Link>> FindRecordedEnd(netlink::RouteSocket& socket, const json::Value& plan) {
  std::string name;
  uint32_t index = 0;
  RETURN_IF_ERROR(json::ReadRequired(plan, "hostInterface", name), "record");
  RETURN_IF_ERROR(json::ReadRequired(plan, "hostIndex", index), "record");
  ASSIGN_OR_RETURN(auto link, FindLink(socket, name));
  if (link && link->index != index) link.reset();
  return link;
}

}  // namespace

Result<std::unique_ptr<Plugin>> BandwidthPlugin::Make(const NetConf& conf,
                                                      const Environment& environment) {
  ASSIGN_OR_RETURN(BandwidthConf bandwidth, ParseBandwidthConf(conf));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<BandwidthPlugin>(conf, environment, std::move(bandwidth));
  return plugin;
}

Result<json::Value> BandwidthPlugin::Plan(const AddResult& previous) {
  if (bandwidth_.empty()) return json::Value();
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const Link host_end, FindHostEnd(socket, environment(), previous));
  // Before the record: undoing an ADD deletes no other's.
  RETURN_IF_ERROR(CheckUnshaped(socket, host_end));
  return json::Value{{"hostInterface", host_end.name},
                     {"hostIndex", host_end.index},
                     {"ingress", !bandwidth_.ingress.empty()},
                     {"egress", !bandwidth_.egress.empty()}};
}

Result<> BandwidthPlugin::Make(const json::Value& plan, json::Value& result) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto host_end, FindRecordedEnd(socket, plan));
  if (!host_end) return Fail(Code::kNotFound, "the host end has gone");
  if (!bandwidth_.ingress.empty()) {
    RETURN_IF_ERROR(
        AddShaper(socket, *host_end, bandwidth_.ingress, bandwidth_.peers, PeerEnd::kSource),
        "ingress");
  }
  if (bandwidth_.egress.empty()) return {};
  RETURN_IF_ERROR(LimitEgress(socket, *host_end, result), "egress");
  return {};
}

// The redirection last: until then nothing is lost in a queue that is not there yet.
Result<> BandwidthPlugin::LimitEgress(netlink::RouteSocket& socket, const Link& host_end,
                                      json::Value& result) {
  ASSIGN_OR_RETURN(const Link ifb, CreateIfb(socket, Key(), host_end.mtu_bytes));
  // Only what is to be shaped gets there.
  RETURN_IF_ERROR(AddShaper(socket, ifb, bandwidth_.egress, {}, PeerEnd::kDestination));
  RETURN_IF_ERROR(AddRedirect(socket, host_end, ifb, bandwidth_.peers, PeerEnd::kDestination));
  if (conf().version >= SpecVersion::k030) {
    result["interfaces"].push_back({{"name", ifb.name}, {"mac", ifb.mac}});
  }
  return {};
}

Result<> BandwidthPlugin::Undo(const AttachmentKey& key, const json::Value& plan) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto host_end, FindRecordedEnd(socket, plan));
  if (host_end && plan.value("egress", true)) RETURN_IF_ERROR(DeleteRedirect(socket, *host_end));
  if (host_end && plan.value("ingress", true)) RETURN_IF_ERROR(DeleteShaper(socket, *host_end));
  if (!plan.value("egress", true)) return {};
  return DeleteIfb(socket, IfbName(key));
}

Result<> BandwidthPlugin::UndoUnrecorded(const AttachmentKey& key) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  return DeleteIfb(socket, IfbName(key));
}

Result<> BandwidthPlugin::Verify(const json::Value& /*plan*/, const AddResult& previous) {
  if (bandwidth_.empty()) return {};
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const Link host_end, FindHostEnd(socket, environment(), previous));
  if (!bandwidth_.ingress.empty()) {
    RETURN_IF_ERROR(CheckShaper(socket, host_end, bandwidth_.ingress, bandwidth_.peers), "ingress");
  }
  if (bandwidth_.egress.empty()) return {};
  ASSIGN_OR_RETURN(const auto ifb, FindLink(socket, IfbName(Key())));
  if (!ifb) return Fail(Code::kFailedPrecondition, "link {} is absent", IfbName(Key()));
  RETURN_IF_ERROR(CheckShaper(socket, *ifb, bandwidth_.egress, {}), "egress");
  return CheckRedirect(socket, host_end, *ifb);
}

Result<> BandwidthPlugin::Sweep(const std::vector<AttachmentKey>& kept) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const std::vector<Link> links, ListLinks(socket));
  Failures failures;
  for (const Link& link : links) {
    if (link.kind != "ifb" || !link.alias.starts_with(AliasPrefix(conf().name))) continue;
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return AliasOf(key) == link.alias;
    });
    if (!known) failures.Add(DeleteLink(socket, link.name));
  }
  return std::move(failures).Result();
}

}  // namespace trivet::cni
