#include "cni/release.h"

#include "cni/bridge.h"
#include "cni/ipam/reservation_store.h"
#include "cni/link.h"
#include "cni/masquerade.h"
#include "cni/policy_client.h"
#include "cni/sender_guard.h"
#include "cni/spoof_check.h"
#include "common/base/log.h"
#include "common/linux/file.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {
namespace {

Result<> ReleasePolicy(const Attachment& attachment) {
  if (!attachment.policy) return {};
  auto released = PolicyClient(attachment.policy->socket).Delete(attachment.key);
  if (released || released.error().code() != Code::kUnavailable) return released;
  // An agent that is away forgets the attachment by itself when it is back (GC), and a pod must not
  // hang in deletion until then. Its address is denied to nobody else: ADD commits it anew.
  WriteLogLine(LogLevel::kWarning, "trivet-cni", released.error().message());
  return {};
}

Result<> ReleaseLinks(netlink::RouteSocket& socket, const std::vector<Attachment>& attachments) {
  if (attachments.size() == 1) return DeleteLink(socket, attachments.front().host_interface);
  std::vector<std::string> names;
  for (const Attachment& attachment : attachments) names.push_back(attachment.host_interface);
  return DeleteLinks(socket, names);
}

Result<> ReleaseMasquerade(const Paths& paths, const std::vector<Attachment>& attachments) {
  std::vector<IpAddress> addresses;
  for (const Attachment& attachment : attachments) {
    if (!attachment.masquerade) continue;
    addresses.insert(addresses.end(), attachment.addresses.begin(), attachment.addresses.end());
  }
  if (addresses.empty()) return {};
  return Masquerade(attachments.front().key.network, paths.masquerade_lock()).Remove(addresses);
}

/// What other networks' attachments use of that which an attachment would take along.
struct Shared {
  bool bridge = false;
  bool vlan_gateway = false;
};

Result<Shared> FindShared(const AttachmentStore& store, const Attachment& attachment) {
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());
  ASSIGN_OR_RETURN(const std::vector<Attachment> listed, store.List());
  Shared shared;
  for (const Attachment& other : listed) {
    if (other.key.network == attachment.key.network || other.bridge != attachment.bridge ||
        other.boot_id != boot_id) {
      continue;
    }
    shared.bridge = true;
    shared.vlan_gateway = shared.vlan_gateway || other.vlan_gateway == attachment.vlan_gateway;
  }
  return shared;
}

// The caller holds the bridge's lock.
Result<> ReleaseBridge(netlink::RouteSocket& socket, const Paths& paths,
                       const AttachmentStore& store, const Attachment& attachment) {
  ASSIGN_OR_RETURN(const Shared shared, FindShared(store, attachment));
  if (!attachment.vlan_gateway.empty() && !shared.vlan_gateway) {
    RETURN_IF_ERROR(DeleteLink(socket, attachment.vlan_gateway));
  }
  if (shared.bridge) return {};
  return RemoveBridge(socket,
                      {.name = attachment.bridge, .mark = paths.bridge_mark(attachment.bridge)});
}

// What the network's attachments share, then the record of the last one.
Result<> ReleaseLast(netlink::RouteSocket& socket, const Paths& paths, const AttachmentStore& store,
                     const Attachment& attachment) {
  if (attachment.masquerade) {
    RETURN_IF_ERROR(Masquerade(attachment.key.network, paths.masquerade_lock()).RemoveNetwork());
  }
  if (!attachment.owns_bridge) return store.Remove(attachment.key);
  // Two networks may share the bridge. An ADD makes it under this lock and after its record, so it
  // is either seen here, whether its pod is a port already or not, or makes the bridge again. And
  // of two networks' last attachments the second finds the first one's record gone.
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(paths.bridge_lock(attachment.bridge)));
  RETURN_IF_ERROR(ReleaseBridge(socket, paths, store, attachment));
  return store.Remove(attachment.key);
}

Result<> FreeAddresses(const Paths& paths, const Attachment& attachment) {
  if (attachment.reservations.empty()) return {};
  ASSIGN_OR_RETURN(auto store,
                   ReservationStore::OpenExisting(attachment.reservations, paths.owners()));
  if (!store) return {};
  const Owner owner{attachment.key.container_id, attachment.key.ifname};
  ASSIGN_OR_RETURN(const auto held, store->FindByOwner(owner));
  for (const IpAddress& address : held) RETURN_IF_ERROR(store->Release(address, owner));
  return {};
}

// Else they would count as attachments of their networks, and what these share would stay.
Result<> RemoveTorn(const Paths& paths, const AttachmentStore& store) {
  ASSIGN_OR_RETURN(const std::vector<AttachmentKey> torn, store.ListTorn());
  for (const AttachmentKey& key : torn) {
    ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths, key));
    if (store.IsTorn(key)) RETURN_IF_ERROR(store.Remove(key));
  }
  return {};
}

}  // namespace

Result<> ReleaseKernelObjects(netlink::RouteSocket& socket, const Paths& paths,
                              const std::vector<Attachment>& attachments) {
  // First: the kernel frees what was deleted in the time in which it unregisters the links.
  RETURN_IF_ERROR(ReleaseMasquerade(paths, attachments));
  RETURN_IF_ERROR(ReleaseLinks(socket, attachments));
  for (const Attachment& attachment : attachments) {
    if (!attachment.spoof_checked_mac.empty()) {
      RETURN_IF_ERROR(SpoofCheck(paths.spoof_check_lock())
                          .Remove(attachment.host_interface, attachment.spoof_checked_mac));
    }
    if (attachment.policy) RETURN_IF_ERROR(SenderGuard(paths, attachment).Remove());
    RETURN_IF_ERROR(ReleasePolicy(attachment));
  }
  return {};
}

Result<> ReleaseRecord(netlink::RouteSocket& socket, const Paths& paths,
                       const Attachment& attachment) {
  const AttachmentStore store(paths);
  // An ADD makes shared objects under this lock and after its record, so it is either counted here
  // or finds them gone and makes them again.
  ASSIGN_OR_RETURN(const FileLock lock,
                   FileLock::AcquireMakingFolder(paths.network_lock(attachment.key.network)));
  ASSIGN_OR_RETURN(const bool others, store.HasOthers(attachment.key));
  return others ? store.Remove(attachment.key) : ReleaseLast(socket, paths, store, attachment);
}

Result<> ReleaseEarlierBoots(const Paths& paths, const std::string& boot_id) {
  const auto marker = ReadFile(paths.boot_id());
  if (marker && *marker == boot_id) return {};

  const AttachmentStore store(paths);
  ASSIGN_OR_RETURN(const std::vector<Attachment> attachments, store.List());
  for (const Attachment& listed : attachments) {
    if (listed.boot_id == boot_id) continue;
    ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths, listed.key));
    ASSIGN_OR_RETURN(const auto attachment, store.Read(listed.key));
    if (!attachment || attachment->boot_id == boot_id || attachment->reservations.empty()) continue;
    RETURN_IF_ERROR(FreeAddresses(paths, *attachment));
    RETURN_IF_ERROR(store.Remove(attachment->key));
  }
  RETURN_IF_ERROR(RemoveTorn(paths, store));
  RETURN_IF_ERROR(EnsureDirectory(paths.root()));  // the first ADD of this node
  return WriteFileVolatile(paths.boot_id(), boot_id);
}

}  // namespace trivet::cni
