#include "cni/firewall/firewall_plugin.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "cni/firewall/firewall_table.h"
#include "cni/link.h"
#include "common/linux/file.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {
namespace {

/// What a record says.
struct FirewallPlan {
  std::vector<IpAddress> pods;
  std::string bridge;
  IngressPolicy policy = IngressPolicy::kOpen;
};

json::Value ToJson(const FirewallPlan& plan) {
  json::Value value{{"bridge", plan.bridge}, {"ingressPolicy", Name(plan.policy)}};
  value["pods"] = json::Value::array();
  for (const IpAddress& pod : plan.pods) value["pods"].push_back(pod.ToString());
  return value;
}

Result<FirewallPlan> ParseFirewallPlan(const json::Value& value) {
  FirewallPlan plan;
  std::vector<std::string> pods;
  std::string policy;
  RETURN_IF_ERROR(json::ReadRequired(value, "bridge", plan.bridge), "record");
  RETURN_IF_ERROR(json::ReadRequired(value, "ingressPolicy", policy), "record");
  RETURN_IF_ERROR(json::ReadRequired(value, "pods", pods), "record");
  if (policy == Name(IngressPolicy::kSameBridge)) plan.policy = IngressPolicy::kSameBridge;
  if (policy == Name(IngressPolicy::kIsolated)) plan.policy = IngressPolicy::kIsolated;
  for (const std::string& text : pods) {
    ASSIGN_OR_RETURN(const IpAddress pod, IpAddress::Parse(text), "record");
    plan.pods.push_back(pod);
  }
  return plan;
}

Result<FileLock> LockFirewall(const Paths& paths) {
  RETURN_IF_ERROR(EnsureDirectory(paths.locks()));
  return FileLock::Acquire(paths.locks() / "firewall");
}

std::vector<IpAddress> PodsOf(const AddResult& previous) {
  std::vector<IpAddress> pods;
  for (const IpConfig& ip : previous.ips) pods.push_back(ip.address.address);
  return pods;
}

// The reference takes the first interface's word for it; here it has to be a bridge.
Result<std::string> FindBridge(const AddResult& previous, IngressPolicy policy) {
  if (policy == IngressPolicy::kOpen) return std::string();
  if (!previous.interfaces.empty() && previous.interfaces.front().sandbox.empty()) {
    const std::string& name = previous.interfaces.front().name;
    ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
    ASSIGN_OR_RETURN(const auto link, FindLink(socket, name));
    if (link && link->kind == "bridge") return name;
  }
  return Fail(Code::kInvalidArgument,
              "ingressPolicy: '{}' wants a bridge as the first interface of prevResult",
              Name(policy));
}

// Between ports of the bridge packets pass no forward hook: the bridge itself keeps them apart.
Result<> IsolatePort(const AddResult& previous, const std::string& bridge) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const Link master, ReadLink(socket, bridge));
  for (const Interface& interface : previous.interfaces) {
    if (!interface.sandbox.empty()) continue;
    ASSIGN_OR_RETURN(const auto port, FindLink(socket, interface.name));
    if (!port || port->master != master.index) continue;
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(port->index);
    netlink::Request request(RTM_NEWLINK, 0);
    request.Struct(header).Nest(IFLA_LINKINFO, [](auto& info) {
      info.String(IFLA_INFO_SLAVE_KIND, "bridge").Nest(IFLA_INFO_SLAVE_DATA, [](auto& data) {
        data.U8(IFLA_BRPORT_ISOLATED, 1);
      });
    });
    return socket.Execute(request, fmt::format("isolate port {}", port->name));
  }
  return Fail(Code::kInvalidArgument, "prevResult: none of its interfaces is a port of {}", bridge);
}

}  // namespace

Result<std::unique_ptr<Plugin>> FirewallPlugin::Make(const NetConf& conf,
                                                     const Environment& environment) {
  ASSIGN_OR_RETURN(const IngressPolicy policy, ParseIngressPolicy(conf));
  std::unique_ptr<Plugin> plugin = std::make_unique<FirewallPlugin>(conf, environment, policy);
  return plugin;
}

Result<json::Value> FirewallPlugin::Plan(const AddResult& previous) {
  if (previous.ips.empty() && policy_ == IngressPolicy::kOpen) return json::Value();
  FirewallPlan plan{.pods = PodsOf(previous), .bridge = {}, .policy = policy_};
  ASSIGN_OR_RETURN(plan.bridge, FindBridge(previous, policy_));
  return ToJson(plan);
}

Result<> FirewallPlugin::Make(const json::Value& value, json::Value& /*result*/) {
  ASSIGN_OR_RETURN(const FirewallPlan plan, ParseFirewallPlan(value));
  {
    ASSIGN_OR_RETURN(const FileLock lock, LockFirewall(paths()));
    RETURN_IF_ERROR(FirewallTable::Add(plan.pods, plan.bridge, plan.policy), "firewall");
  }
  if (plan.policy != IngressPolicy::kIsolated) return {};
  return IsolatePort(*conf().previous, plan.bridge);
}

// The port goes with its pod.
Result<> FirewallPlugin::Undo(const AttachmentKey& /*key*/, const json::Value& value) {
  ASSIGN_OR_RETURN(const FirewallPlan plan, ParseFirewallPlan(value));
  ASSIGN_OR_RETURN(const FileLock lock, LockFirewall(paths()));
  return FirewallTable::RemovePods(plan.pods);
}

// An ADD writes its record before it takes the lock, so it is either counted here or makes anew
// what this takes away. Of DELs at once the last one to remove its record finds nobody else's.
Result<> FirewallPlugin::ReleaseShared() {
  ASSIGN_OR_RETURN(const FileLock lock, LockFirewall(paths()));
  ASSIGN_OR_RETURN(const auto records, store().List());
  if (records.empty()) return FirewallTable::RemoveUnlessPods();
  std::vector<std::string> bridges;
  for (const ChainRecord& record : records) {
    const auto plan = ParseFirewallPlan(record.made);
    if (plan) bridges.push_back(plan->bridge);  // whatever the policy: this ADD was refused
  }
  return FirewallTable::RetainBridges(bridges);
}

Result<> FirewallPlugin::UndoUnrecorded(const AttachmentKey& /*key*/) {
  if (!conf().previous) return {};
  ASSIGN_OR_RETURN(const FileLock lock, LockFirewall(paths()));
  std::vector<IpAddress> pods = PodsOf(*conf().previous);
  // DEL may be repeated, and an address be another attachment's by now.
  ASSIGN_OR_RETURN(const auto records, store().List());
  for (const ChainRecord& record : records) {
    const auto plan = ParseFirewallPlan(record.made);
    if (!plan) continue;
    for (const IpAddress& pod : plan->pods) std::erase(pods, pod);
  }
  return FirewallTable::RemovePods(pods);
}

Result<> FirewallPlugin::Verify(const json::Value& value, const AddResult& /*previous*/) {
  ASSIGN_OR_RETURN(const FirewallPlan plan, ParseFirewallPlan(value));
  return FirewallTable::Check(plan.pods, plan.bridge, plan.policy);
}

Result<> FirewallPlugin::Sweep(const std::vector<AttachmentKey>& kept) {
  ASSIGN_OR_RETURN(const FileLock lock, LockFirewall(paths()));
  ASSIGN_OR_RETURN(const auto records, store().List());
  const bool all_known = std::all_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
    return std::any_of(records.begin(), records.end(),
                       [&](const ChainRecord& record) { return record.key == key; });
  });
  if (!all_known) return {};  // whose addresses nobody knows: better one too many than one too few
  std::vector<IpAddress> pods;
  for (const ChainRecord& record : records) {
    ASSIGN_OR_RETURN(const FirewallPlan plan, ParseFirewallPlan(record.made));
    pods.insert(pods.end(), plan.pods.begin(), plan.pods.end());
  }
  return FirewallTable::RetainPods(pods);
}

}  // namespace trivet::cni
