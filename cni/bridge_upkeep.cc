// The verbs of the bridge plugin that look at what is there: CHECK, GC, STATUS.
#include <net/if.h>

#include <algorithm>

#include "cni/bridge_plugin.h"
#include "cni/container_end.h"
#include "cni/failures.h"
#include "cni/masquerade.h"
#include "cni/policy_client.h"
#include "cni/release.h"
#include "cni/veth.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

bool Contains(const std::vector<AttachmentKey>& keys, const AttachmentKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Host ends whose record was lost, found by what their alias says.
Result<> DeleteOrphans(netlink::RouteSocket& socket, const std::string& network,
                       const std::vector<AttachmentKey>& kept) {
  ASSIGN_OR_RETURN(const std::vector<Link> links, ListLinks(socket));
  Failures failures;
  for (const Link& link : links) {
    if (!link.alias.starts_with(AliasPrefix(network)) || link.kind != "veth") continue;
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return AliasOf(key) == link.alias;
    });
    if (!known) failures.Add(DeleteLink(socket, link.name));
  }
  return std::move(failures).Result();
}

/// What of prevResult is the container's interface `index`.
AddResult OnInterface(const AddResult& previous, size_t index) {
  AddResult result;
  result.routes = previous.routes;
  for (const IpConfig& ip : previous.ips) {
    if (ip.interface == index) result.ips.push_back(ip);
  }
  return result;
}

}  // namespace

Result<> BridgePlugin::Check() {
  if (!conf_.previous) return Fail(Code::kInvalidArgument, "prevResult: missing");
  const auto& interfaces = conf_.previous->interfaces;
  const auto found =
      std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& interface) {
        return interface.name == environment_.ifname && !interface.sandbox.empty();
      });
  if (found == interfaces.end()) {
    return Fail(Code::kInvalidArgument, "prevResult: no interface {} in a sandbox",
                environment_.ifname);
  }
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto record, attachments_.Read(Key()));
  if (!record) return Fail(Code::kFailedPrecondition, "no record of this attachment");
  RETURN_IF_ERROR(CheckHostSide(socket));
  RETURN_IF_ERROR(CheckContainerEnd(
      environment_.netns, environment_.ifname, found->mac,
      OnInterface(*conf_.previous, static_cast<size_t>(found - interfaces.begin()))));
  return CheckAgents(*record);
}

Result<> BridgePlugin::CheckHostSide(netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, bridge_.bridge));
  if (!bridge || bridge->kind != "bridge") {
    return Fail(Code::kFailedPrecondition, "bridge {} is absent", bridge_.bridge);
  }
  const std::string name = HostInterfaceName(Key());
  ASSIGN_OR_RETURN(const auto host_end, FindLink(socket, name));
  if (!host_end || host_end->master != bridge->index) {
    return Fail(Code::kFailedPrecondition, "link {} is no port of {}", name, bridge_.bridge);
  }
  if ((host_end->flags & bridge->flags & IFF_UP) == 0) {
    return Fail(Code::kFailedPrecondition, "link {} or {} is down", name, bridge_.bridge);
  }
  return {};
}

Result<> BridgePlugin::CheckAgents(const Attachment& record) {
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Check(), "ipam");
  if (bridge_.masquerade) {
    RETURN_IF_ERROR(Masquerade(conf_.name, paths_.masquerade_lock()).Check(record.addresses));
  }
  if (!conf_.policy) return {};
  auto checked = PolicyClient(conf_.policy->socket).Check(record.key, record.addresses);
  if (!checked && checked.error().code() == Code::kUnavailable && !conf_.policy->required)
    return {};
  return checked;
}

Result<> BridgePlugin::Gc() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const std::vector<Attachment> attachments, attachments_.List(conf_.name));
  Failures failures;
  std::vector<AttachmentKey> kept = conf_.valid_attachments;
  std::vector<Attachment> released;
  for (const Attachment& attachment : attachments) {
    if (Contains(conf_.valid_attachments, attachment.key)) continue;
    if (failures.Add(ReleaseKernelObjects(socket, paths_, attachment))) {
      released.push_back(attachment);
    } else {
      kept.push_back(attachment.key);  // its address is in use until its link is gone
    }
  }
  failures.Add(DeleteOrphans(socket, conf_.name, kept));
  const bool freed = ipam_ == nullptr || failures.Add(ipam_->Gc(kept));
  for (const Attachment& attachment : released) {
    if (freed) failures.Add(ReleaseRecord(socket, paths_, attachment));
  }
  if (freed) {
    failures.Add(attachments_.RemoveStray(conf_.name, kept));
    failures.Add(GcShared(socket, kept));
  }
  failures.Add(GcPolicy(kept));
  return std::move(failures).Result();
}

// An agent that is away and not required drops what is gone by itself when it starts.
Result<> BridgePlugin::GcPolicy(const std::vector<AttachmentKey>& kept) const {
  if (!conf_.policy) return {};
  auto collected = PolicyClient(conf_.policy->socket).Gc(conf_.name, kept);
  if (!collected && collected.error().code() == Code::kUnavailable && !conf_.policy->required)
    return {};
  return collected;
}

// What pods whose records were lost have left among the things that pods share.
Result<> BridgePlugin::GcShared(netlink::RouteSocket& socket,
                                const std::vector<AttachmentKey>& kept) {
  if (kept.empty()) {
    ASSIGN_OR_RETURN(Attachment nobody, MakeRecord());
    nobody.key = {.network = conf_.name, .container_id = {}, .ifname = {}};
    return ReleaseRecord(socket, paths_, nobody);
  }
  if (!bridge_.masquerade) return {};
  std::vector<IpAddress> addresses;
  for (const AttachmentKey& key : kept) {
    ASSIGN_OR_RETURN(const auto record, attachments_.Read(key));
    if (!record) return {};  // whose addresses nobody knows: better one too many than one too few
    addresses.insert(addresses.end(), record->addresses.begin(), record->addresses.end());
  }
  return Masquerade(conf_.name, paths_.masquerade_lock()).Retain(addresses);
}

Result<> BridgePlugin::Status() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  RETURN_IF_ERROR(CheckBridgeForStatus(socket));
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Status(), "ipam");
  if (conf_.policy && conf_.policy->required) {
    return PolicyClient(conf_.policy->socket).Status();
  }
  return {};
}

// A bridge that is absent is made by the next ADD, but that does not bring its ports back.
Result<> BridgePlugin::CheckBridgeForStatus(netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const auto bridge, FindLink(socket, bridge_.bridge));
  if (bridge && bridge->kind != "bridge") {
    return Fail(Code::kUnavailable, "link {} exists and is no bridge", bridge_.bridge);
  }
  if (bridge && (bridge->flags & IFF_UP) != 0) return {};
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  ASSIGN_OR_RETURN(const std::vector<Attachment> attachments, attachments_.List(conf_.name));
  const auto cut_off =
      std::count_if(attachments.begin(), attachments.end(), [&](const Attachment& attachment) {
        return attachment.complete && attachment.boot_id == boot_id &&
               attachment.bridge == bridge_.bridge;
      });
  if (cut_off == 0) return {};
  return Fail(Code::kFailedPrecondition, "bridge {} is {}, and cut off are {} attachments",
              bridge_.bridge, bridge ? "down" : "absent", cut_off);
}

}  // namespace trivet::cni
