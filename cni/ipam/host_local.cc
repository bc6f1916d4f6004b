#include "cni/ipam/host_local.h"

#include <algorithm>

#include "cni/ipam/allocator.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/reservation_store.h"
#include "cni/paths.h"

namespace trivet::cni {
namespace {

Owner OwnerOf(const Environment& environment) {
  return {environment.container_id, environment.ifname};
}

std::filesystem::path Indexes(const NetConf& conf) {
  return Paths(conf.state_folder).owners();
}

bool IsValid(const Owner& owner, const std::vector<AttachmentKey>& valid) {
  return std::any_of(valid.begin(), valid.end(), [&](const AttachmentKey& key) {
    return key.container_id == owner.container_id &&
           (owner.ifname.empty() || key.ifname == owner.ifname);
  });
}

// An IPAM plugin answers for the addresses of its own ranges; other plugins of a chain add theirs.
bool InAnySet(const std::vector<RangeSet>& sets, const IpAddress& address) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const RangeSet& set) { return FindRange(set, address).has_value(); });
}

}  // namespace

Result<AddResult> HostLocal::Add() {
  ASSIGN_OR_RETURN(HostLocalConf conf, ParseHostLocalConf(conf_, environment_));
  const Owner owner = OwnerOf(environment_);
  ASSIGN_OR_RETURN(ReservationStore store, ReservationStore::Open(conf.folder, Indexes(conf_)));
  ASSIGN_OR_RETURN(const auto held, store.FindByOwner(owner));
  if (!held.empty()) {
    return Fail(Code::kAlreadyExists, "{} {} holds {} already", owner.container_id, owner.ifname,
                held.front().ToString());
  }
  AddResult result;
  ASSIGN_OR_RETURN(result.ips, Allocate(store, conf.sets, conf.requested, owner));
  result.routes = std::move(conf.routes);
  result.dns = std::move(conf.dns);
  return result;
}

Result<> HostLocal::Del() {
  return Free(OwnerOf(environment_));
}

Result<> HostLocal::Release(const AttachmentKey& key) {
  return Free({key.container_id, key.ifname});
}

Result<> HostLocal::Free(const Owner& owner) {
  ASSIGN_OR_RETURN(const std::filesystem::path folder, ReadReservationFolder(conf_));
  ASSIGN_OR_RETURN(auto store, ReservationStore::OpenExisting(folder, Indexes(conf_)));
  if (!store) return {};
  ASSIGN_OR_RETURN(const auto held, store->FindByOwner(owner));
  for (const IpAddress& address : held) RETURN_IF_ERROR(store->Release(address, owner));
  return {};
}

Result<> HostLocal::Check() {
  ASSIGN_OR_RETURN(const HostLocalConf conf, ParseHostLocalConf(conf_, environment_));
  const Owner owner = OwnerOf(environment_);
  ASSIGN_OR_RETURN(auto store, ReservationStore::OpenExisting(conf.folder, Indexes(conf_)));
  std::vector<IpAddress> held;
  if (store) {
    ASSIGN_OR_RETURN(held, store->FindByOwner(owner));
  }
  if (held.empty()) {
    return Fail(Code::kFailedPrecondition, "{} {} holds no address of {}", owner.container_id,
                owner.ifname, conf_.name);
  }
  if (!conf_.previous) return {};
  for (const IpConfig& ip : conf_.previous->ips) {
    const IpAddress& address = ip.address.address;
    if (!InAnySet(conf.sets, address)) continue;
    if (std::find(held.begin(), held.end(), address) == held.end()) {
      return Fail(Code::kFailedPrecondition, "{} {} does not hold {}", owner.container_id,
                  owner.ifname, address.ToString());
    }
  }
  return {};
}

Result<> HostLocal::Gc(const std::vector<AttachmentKey>& valid) {
  ASSIGN_OR_RETURN(const std::filesystem::path folder, ReadReservationFolder(conf_));
  ASSIGN_OR_RETURN(auto store, ReservationStore::OpenExisting(folder, Indexes(conf_)));
  if (!store) return {};
  ASSIGN_OR_RETURN(const auto owners, store->List());
  for (const auto& [address, owner] : owners) {
    if (owner.container_id.empty()) continue;  // a foreign file that has an address for a name
    if (!IsValid(owner, valid)) RETURN_IF_ERROR(store->Release(address, owner));
  }
  return {};
}

Result<> HostLocal::Status() {
  ASSIGN_OR_RETURN(const HostLocalConf conf, ParseHostLocalConf(conf_, environment_));
  ASSIGN_OR_RETURN(auto store, ReservationStore::OpenExisting(conf.folder, Indexes(conf_)));
  std::vector<IpAddress> used;
  if (store) {
    ASSIGN_OR_RETURN(used, store->ListAddresses());
  }
  for (const RangeSet& set : conf.sets) {
    if (CountFree(set, used) == 0) {
      return Fail(Code::kUnavailable, "no address is left in {}", Describe(set));
    }
  }
  return {};
}

}  // namespace trivet::cni
