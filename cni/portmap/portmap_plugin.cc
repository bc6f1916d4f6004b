#include "cni/portmap/portmap_plugin.h"

#include <algorithm>

#include "cni/failures.h"
#include "cni/link.h"
#include "cni/portmap/host_port_table.h"
#include "cni/portmap/localnet.h"
#include "cni/portmap/stale_flows.h"
#include "common/linux/file.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {
namespace {

/// What a record says.
struct PortmapPlan {
  std::vector<HostPort> ports;
  std::vector<std::string> chains;  // of the policies
  std::string localnet;             // the interface to the container, where 127.0.0.1 is mapped
  bool is_shared = false;           // with other containers
};

json::Value ToJson(const PortmapPlan& plan) {
  return {{"ports", ToJson(plan.ports)},
          {"chains", plan.chains},
          {"localnet", plan.localnet},
          {"shared", plan.is_shared}};
}

Result<PortmapPlan> ParsePortmapPlan(const json::Value& value) {
  PortmapPlan plan;
  ASSIGN_OR_RETURN(plan.ports, ParseHostPorts(value.value("ports", json::Value())), "record");
  RETURN_IF_ERROR(json::ReadOptional(value, "chains", plan.chains), "record");
  RETURN_IF_ERROR(json::ReadOptional(value, "localnet", plan.localnet), "record");
  RETURN_IF_ERROR(json::ReadOptional(value, "shared", plan.is_shared), "record");
  return plan;
}

Result<FileLock> LockHostPorts(const Paths& paths) {
  return FileLock::AcquireMakingFolder(paths.locks() / "host-ports");
}

bool IsReachedByLoopback(const HostPort& port) {
  return port.container.is_v4() && (!port.host_ip || Loopback().Contains(*port.host_ip));
}

// A container that is not reached from the node at all is not reached from its loopback either.
Result<> PlanLocalnet(PortmapPlan& plan) {
  const auto port = std::find_if(plan.ports.begin(), plan.ports.end(), IsReachedByLoopback);
  if (port == plan.ports.end()) return {};
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto route, LookUpRoute(socket, port->container));
  if (!route) return {};
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, route->interface));
  if (!link) return {};
  plan.localnet = link->name;
  plan.is_shared = link->kind != "veth";
  return {};
}

}  // namespace

Result<std::unique_ptr<Plugin>> PortmapPlugin::Make(const NetConf& conf,
                                                    const Environment& environment) {
  ASSIGN_OR_RETURN(PortMapConf portmap, ParsePortMapConf(conf));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<PortmapPlugin>(conf, environment, std::move(portmap));
  return plugin;
}

std::vector<PortPolicy> PortmapPlugin::Policies(const AddResult& previous) const {
  const ContainerAddresses container = FindContainerAddresses(previous, environment().ifname);
  std::vector<PortPolicy> policies;
  for (const auto& address : {container.v4, container.v6}) {
    if (!address) continue;
    const bool v4 = address->address.is_v4();
    policies.push_back({.subnet = address->Network(),
                        .snat = portmap_.snat,
                        .masquerade_all = portmap_.masquerade_all,
                        .mark_bit = portmap_.mark_bit,
                        .conditions = v4 ? portmap_.conditions_v4 : portmap_.conditions_v6});
  }
  return policies;
}

Result<json::Value> PortmapPlugin::Plan(const AddResult& previous) {
  if (portmap_.mappings.empty()) return json::Value();
  PortmapPlan plan;
  ASSIGN_OR_RETURN(
      plan.ports,
      PlanHostPorts(portmap_.mappings, FindContainerAddresses(previous, environment().ifname)));
  for (const PortPolicy& policy : Policies(previous)) {
    plan.chains.push_back(PolicyChainName(policy));
  }
  if (portmap_.snat) RETURN_IF_ERROR(PlanLocalnet(plan));
  return ToJson(plan);
}

Result<> PortmapPlugin::Make(const json::Value& value, json::Value& /*result*/) {
  ASSIGN_OR_RETURN(const PortmapPlan plan, ParsePortmapPlan(value));
  {
    ASSIGN_OR_RETURN(const FileLock lock, LockHostPorts(paths()));
    RETURN_IF_ERROR(
        HostPortTable(Key()).Add(plan.ports, Policies(*conf().previous), plan.localnet));
  }
  return ForgetStrayFlows(plan.ports);
}

Result<> PortmapPlugin::Undo(const AttachmentKey& key, const json::Value& value) {
  ASSIGN_OR_RETURN(const PortmapPlan plan, ParsePortmapPlan(value));
  {
    ASSIGN_OR_RETURN(const FileLock lock, LockHostPorts(paths()));
    RETURN_IF_ERROR(HostPortTable(key).Remove(plan.ports));
    if (!plan.localnet.empty() && !plan.is_shared) {
      RETURN_IF_ERROR(HostPortTable::CloseLocalnet(plan.localnet));
    }
  }
  return ForgetTranslatedFlows(plan.ports);
}

Result<> PortmapPlugin::UndoUnrecorded(const AttachmentKey& key) {
  if (portmap_.mappings.empty()) return {};
  const HostPortTable table(key);
  return RemoveOwned([&](const std::string& owner) { return owner == table.owner(); });
}

Result<> PortmapPlugin::Sweep(const std::vector<AttachmentKey>& kept) {
  return RemoveOwned([&](const std::string& owner) {
    if (!owner.starts_with(HostPortTable::OwnersOf(conf().name))) return false;
    return std::none_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return HostPortTable(key).owner() == owner;
    });
  });
}

Result<> PortmapPlugin::RemoveOwned(const std::function<bool(const std::string&)>& is_meant) {
  ASSIGN_OR_RETURN(const FileLock lock, LockHostPorts(paths()));
  ASSIGN_OR_RETURN(const auto there, HostPortTable::List());
  Failures failures;
  for (const HostPortTable::Owned& owned : there) {
    if (!is_meant(owned.owner)) continue;
    const std::vector<HostPort> ports{owned.port};
    if (failures.Add(HostPortTable(owned.owner).Remove(ports))) {
      failures.Add(ForgetTranslatedFlows(ports));
    }
  }
  return std::move(failures).Result();
}

// An ADD writes its record before it takes the lock, so it is either counted here or makes anew
// what this takes away. Of a network that has ports left, no record is read: what they share goes
// with the last.
Result<> PortmapPlugin::ReleaseShared() {
  ASSIGN_OR_RETURN(const FileLock lock, LockHostPorts(paths()));
  ASSIGN_OR_RETURN(const bool any_of_network, store().HasAny(conf().name));
  if (any_of_network) return {};
  ASSIGN_OR_RETURN(const auto records, store().List());
  if (records.empty()) return HostPortTable::RemoveIfEmpty();
  std::vector<std::string> chains;
  std::vector<std::string> interfaces;
  for (const ChainRecord& record : records) {
    const auto plan = ParsePortmapPlan(record.made);
    if (!plan) continue;
    chains.insert(chains.end(), plan->chains.begin(), plan->chains.end());
    interfaces.push_back(plan->localnet);
  }
  return HostPortTable::Retain(chains, interfaces);
}

Result<> PortmapPlugin::Verify(const json::Value& value, const AddResult& /*previous*/) {
  ASSIGN_OR_RETURN(const PortmapPlan plan, ParsePortmapPlan(value));
  RETURN_IF_ERROR(HostPortTable(Key()).Check(plan.ports));
  if (plan.localnet.empty()) return {};
  ASSIGN_OR_RETURN(const bool open, HasRouteLocalnet(plan.localnet));
  if (open) return {};
  return Fail(Code::kFailedPrecondition, "route_localnet of link {} is off", plan.localnet);
}

}  // namespace trivet::cni
