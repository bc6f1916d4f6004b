// The verbs of the veth plugins that look at what is there: CHECK, GC, STATUS.
#include <net/if.h>

#include <algorithm>
#include <iterator>

#include "cni/container_end.h"
#include "cni/failures.h"
#include "cni/masquerade.h"
#include "cni/policy_client.h"
#include "cni/release.h"
#include "cni/sender_guard.h"
#include "cni/veth_plugin.h"
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
  std::vector<std::string> orphans;
  for (const Link& link : links) {
    if (!link.alias.starts_with(AliasPrefix(network)) || link.kind != "veth") continue;
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const AttachmentKey& key) {
      return AliasOf(key) == link.alias;
    });
    if (!known) orphans.push_back(link.name);
  }
  if (orphans.empty()) return {};
  return DeleteLinks(socket, orphans);
}

/// What of prevResult is the container's interface `index`.
AddResult OnInterface(const AddResult& previous, size_t index) {
  AddResult result;
  result.interfaces = {previous.interfaces[index]};
  result.routes = previous.routes;
  for (const IpConfig& ip : previous.ips) {
    if (ip.interface == index) result.ips.push_back(ip);
  }
  return result;
}

}  // namespace

Result<> VethPlugin::Check() {
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
  if (found->sandbox != environment_.netns) {
    return Fail(Code::kFailedPrecondition, "prevResult: interface {} is in {}, not {}",
                environment_.ifname, found->sandbox, environment_.netns.native());
  }
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto record, attachments_.Read(Key()));
  if (!record) return Fail(Code::kFailedPrecondition, "no record of this attachment");
  const AddResult own =
      OnInterface(*conf_.previous, static_cast<size_t>(found - interfaces.begin()));
  ASSIGN_OR_RETURN(const Link container_end,
                   CheckContainerEnd(environment_.netns, environment_.ifname, found->mac,
                                     PlanContainerEnd(own)));
  RETURN_IF_ERROR(CheckHostEnd(socket, record->host_interface, container_end, own));
  return CheckAgents(*record);
}

Result<> VethPlugin::CheckHostEnd(netlink::RouteSocket& socket, const std::string& name,
                                  const Link& container_end, const AddResult& own) {
  ASSIGN_OR_RETURN(const auto host_end, FindLink(socket, name));
  if (!host_end) return Fail(Code::kFailedPrecondition, "link {} is absent", name);
  if (host_end->kind != "veth" || host_end->peer != container_end.index) {
    return Fail(Code::kFailedPrecondition, "link {} is not the other end of {}", name,
                container_end.name);
  }
  if ((host_end->flags & IFF_UP) == 0) {
    return Fail(Code::kFailedPrecondition, "link {} is down", name);
  }
  for (const Interface& interface : conf_.previous->interfaces) {
    const bool same = interface.name == name && interface.sandbox.empty();
    if (same && !interface.mac.empty() && interface.mac != host_end->mac) {
      return Fail(Code::kFailedPrecondition, "link {} has MAC address {}, not {}", name,
                  host_end->mac, interface.mac);
    }
  }
  return CheckHostSide(socket, *host_end, own);
}

Result<> VethPlugin::CheckAgents(const Attachment& record) {
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Check(), "ipam");
  if (masquerade_) {
    RETURN_IF_ERROR(Masquerade(conf_.name, paths_.masquerade_lock()).Check(record.addresses));
  }
  return CheckPolicy(record);
}

Result<> VethPlugin::CheckPolicy(const Attachment& record) const {
  if (!conf_.policy) return {};
  if (guards_senders()) RETURN_IF_ERROR(SenderGuard(paths_, record).Check());
  auto checked = PolicyClient(conf_.policy->socket).Check(record.key, record.addresses);
  if (!checked && checked.error().code() == Code::kUnavailable && !conf_.policy->required)
    return {};
  return checked;
}

Result<> VethPlugin::Gc() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const std::vector<Attachment> attachments, attachments_.List(conf_.name));
  Failures failures;
  std::vector<AttachmentKey> kept = conf_.valid_attachments;
  std::vector<Attachment> gone;
  std::copy_if(attachments.begin(), attachments.end(), std::back_inserter(gone),
               [&](const Attachment& attachment) { return !Contains(kept, attachment.key); });
  // The kernel lets all of them go as fast as one; where that fails, each has its own try.
  const bool together = ReleaseKernelObjects(socket, paths_, gone).has_value();
  std::vector<Attachment> released;
  for (const Attachment& attachment : gone) {
    if (together || failures.Add(ReleaseKernelObjects(socket, paths_, {attachment}))) {
      released.push_back(attachment);
    } else {
      kept.push_back(attachment.key);  // its address is in use until its link is gone
    }
  }
  failures.Add(DeleteOrphans(socket, conf_.name, kept));
  if (conf_.policy) failures.Add(SenderGuard::RemoveGone(paths_, socket));
  const bool freed = failures.Add(GcAddresses(released, kept));
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

// One by one, and what nobody has a record of: a program of before 1.1.0 knows the first alone.
Result<> VethPlugin::GcAddresses(const std::vector<Attachment>& released,
                                 const std::vector<AttachmentKey>& kept) {
  if (ipam_ == nullptr) return {};
  Failures failures;
  for (const Attachment& attachment : released) failures.Add(ipam_->Release(attachment.key));
  failures.Add(ipam_->Gc(kept));
  return std::move(failures).Result();
}

// An agent that is away and not required drops what is gone by itself when it starts.
Result<> VethPlugin::GcPolicy(const std::vector<AttachmentKey>& kept) const {
  if (!conf_.policy) return {};
  auto collected = PolicyClient(conf_.policy->socket).Gc(conf_.name, kept);
  if (!collected && collected.error().code() == Code::kUnavailable && !conf_.policy->required)
    return {};
  return collected;
}

// What pods whose records were lost have left among the things that pods share.
Result<> VethPlugin::GcShared(netlink::RouteSocket& socket,
                              const std::vector<AttachmentKey>& kept) {
  if (kept.empty()) {
    ASSIGN_OR_RETURN(Attachment nobody, MakeRecord());
    nobody.key = {.network = conf_.name, .container_id = {}, .ifname = {}};
    return ReleaseRecord(socket, paths_, nobody);
  }
  if (!masquerade_) return {};
  std::vector<IpAddress> addresses;
  for (const AttachmentKey& key : kept) {
    ASSIGN_OR_RETURN(const auto record, attachments_.Read(key));
    if (!record) return {};  // whose addresses nobody knows: better one too many than one too few
    addresses.insert(addresses.end(), record->addresses.begin(), record->addresses.end());
  }
  return Masquerade(conf_.name, paths_.masquerade_lock()).Retain(addresses);
}

Result<> VethPlugin::Status() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  RETURN_IF_ERROR(CheckReady(socket));
  // Addresses of before a reboot are free: a pool that they fill is not exhausted.
  if (ReadFile(paths_.boot_id())) {
    ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
    RETURN_IF_ERROR(ReleaseEarlierBoots(paths_, boot_id), "state of an earlier boot");
  }
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Status(), "ipam");
  if (conf_.policy && conf_.policy->required) {
    return PolicyClient(conf_.policy->socket).Status();
  }
  return {};
}

}  // namespace trivet::cni
