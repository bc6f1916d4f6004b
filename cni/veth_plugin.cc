#include "cni/veth_plugin.h"

#include <fcntl.h>

#include <algorithm>

#include "cni/bridge_gateway.h"
#include "cni/forwarding.h"
#include "cni/ipam/host_local.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/reservation_store.h"
#include "cni/masquerade.h"
#include "cni/policy_client.h"
#include "cni/release.h"
#include "cni/sender_guard.h"
#include "common/base/log.h"
#include "common/linux/file.h"

namespace trivet::cni {
namespace {

// Both are told: what failed, and what is therefore still there.
Error WithUndo(Error error, const Result<>& undone) {
  if (undone) return error;
  return {error.code(),
          fmt::format("{}; and undoing it: {}", error.message(), undone.error().message())};
}

// The addresses are the container's, whose interface alone is in a sandbox.
void PointAtContainer(AddResult& result) {
  const auto inside =
      std::find_if(result.interfaces.begin(), result.interfaces.end(),
                   [](const Interface& interface) { return !interface.sandbox.empty(); });
  const auto index = static_cast<uint32_t>(inside - result.interfaces.begin());
  for (IpConfig& ip : result.ips) ip.interface = index;
}

// All of the network's, not only this pod's: pods of two ranges speak to each other untranslated.
Result<std::vector<IpPrefix>> SubnetsOf(const NetConf& conf, const Environment& environment,
                                        const AddResult& result) {
  std::vector<IpPrefix> subnets;
  for (const IpConfig& ip : result.ips) subnets.push_back(ip.address.Network());
  if (conf.ipam_type != kHostLocalType) return subnets;
  ASSIGN_OR_RETURN(const HostLocalConf host_local, ParseHostLocalConf(conf, environment));
  for (const RangeSet& set : host_local.sets) {
    for (const Range& range : set) {
      if (std::find(subnets.begin(), subnets.end(), range.subnet) == subnets.end()) {
        subnets.push_back(range.subnet);
      }
    }
  }
  return subnets;
}

// What was not asked for is made from the pod's address.
void CompleteMac(Attachment& record) {
  if (record.mac.empty() && !record.addresses.empty()) record.mac = MacOf(record.addresses.front());
}

}  // namespace

VethPlugin::VethPlugin(const NetConf& conf, const Environment& environment,
                       std::unique_ptr<Ipam> ipam, bool masquerade)
    : conf_(conf),
      environment_(environment),
      ipam_(std::move(ipam)),
      masquerade_(masquerade),
      paths_(conf.state_folder),
      attachments_(paths_) {}

AttachmentKey VethPlugin::Key() const {
  return {conf_.name, environment_.container_id, environment_.ifname};
}

Result<Attachment> VethPlugin::MakeRecord() const {
  Attachment record;
  record.key = Key();
  ASSIGN_OR_RETURN(record.boot_id, ReadBootId());
  record.host_interface = HostInterfaceName(record.key);
  record.masquerade = masquerade_;
  record.policy = conf_.policy;
  ASSIGN_OR_RETURN(record.source_check, ReadSourceCheck(conf_.root));
  if (conf_.ipam_type == kHostLocalType) {
    ASSIGN_OR_RETURN(record.reservations, ReadReservationFolder(conf_));
  }
  Describe(record);
  return record;
}

Result<json::Value> VethPlugin::Add() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(Attachment record, MakeRecord());
  RETURN_IF_ERROR(ReleaseEarlierBoots(paths_, record.boot_id), "state of an earlier boot");
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, record.key));
  RETURN_IF_ERROR(ForgetLeftover(socket));

  RETURN_IF_ERROR(attachments_.Write(record), "record");
  auto result = Attach(socket, record);
  if (result) return ToJson(*result, conf_.version);
  return std::unexpected(WithUndo(std::move(result).error(), Detach(socket, record)));
}

Result<> VethPlugin::ForgetLeftover(netlink::RouteSocket& socket) {
  ASSIGN_OR_RETURN(const auto leftover, attachments_.Read(Key()));
  if (!leftover) return {};
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, leftover->host_interface));
  if (leftover->complete && link) {
    return Fail(Code::kAlreadyExists, "{} of container {} is attached already", environment_.ifname,
                environment_.container_id);
  }
  RETURN_IF_ERROR(Detach(socket, *leftover), "undo an ADD that was cut short");
  return {};
}

Result<AddResult> VethPlugin::Attach(netlink::RouteSocket& socket, Attachment& record) {
  ASSIGN_OR_RETURN(AddResult result, GetAddresses(record));
  RETURN_IF_ERROR(attachments_.Write(record), "record");
  RETURN_IF_ERROR(CommitPolicy(record));
  ASSIGN_OR_RETURN(result.interfaces, Connect(socket, result, record));
  PointAtContainer(result);
  record.complete = true;
  RETURN_IF_ERROR(attachments_.Write(record), "record");
  return result;
}

Result<AddResult> VethPlugin::GetAddresses(Attachment& record) {
  AddResult result;
  if (ipam_ != nullptr) {
    ASSIGN_OR_RETURN(result, ipam_->Add(), "ipam");
    if (result.ips.empty()) return Fail(Code::kInternal, "ipam: gave no address");
  }
  ASSIGN_OR_RETURN(subnets_, SubnetsOf(conf_, environment_, result));
  RETURN_IF_ERROR(Complete(result), "ipam");
  if (conf_.dns) result.dns = *conf_.dns;
  for (const IpConfig& ip : result.ips) record.addresses.push_back(ip.address.address);
  CompleteMac(record);
  return result;
}

Result<> VethPlugin::CommitPolicy(const Attachment& record) {
  if (!conf_.policy) return {};
  auto committed =
      PolicyClient(conf_.policy->socket).Add(record.key, record.addresses, environment_);
  if (committed || conf_.policy->required || committed.error().code() != Code::kUnavailable) {
    return committed;
  }
  WriteLogLine(LogLevel::kWarning, "trivet-cni", committed.error().message());
  return {};
}

Result<FileLock> VethPlugin::LockNetwork() const {
  return FileLock::AcquireMakingFolder(paths_.network_lock(conf_.name));
}

Result<> VethPlugin::EnsureNetwork(netlink::RouteSocket& socket, const AddResult& result,
                                   const Attachment& record, Forwarding forwarding) const {
  for (const IpConfig& ip : result.ips) {
    if (forwarding != Forwarding::kOn) break;
    RETURN_IF_ERROR(EnableForwarding(socket, ip.address.address.is_v4()));
  }
  if (!masquerade_) return {};
  RETURN_IF_ERROR(Masquerade(conf_.name, paths_.masquerade_lock()).Add(subnets_, record.addresses),
                  "masquerade");
  return {};
}

Result<UniqueFd> VethPlugin::NameEnds(VethSpec& spec) const {
  UniqueFd netns(::open(environment_.netns.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", environment_.netns.native());
  spec.host_name = HostInterfaceName(Key());
  spec.container_name = environment_.ifname;
  spec.container_netns_fd = netns.get();
  return netns;
}

Result<VethPair> VethPlugin::CreateVeth(netlink::RouteSocket& socket, const Attachment& record,
                                        VethSpec spec) const {
  ASSIGN_OR_RETURN(const UniqueFd netns, NameEnds(spec));
  spec.container_mac = record.mac;
  return CreateOrTakeVethPair(socket, spec);
}

Result<> VethPlugin::Prepare() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(VethSpec spec, PlanPrepared(socket));
  ASSIGN_OR_RETURN(const UniqueFd netns, NameEnds(spec));
  RETURN_IF_ERROR(CreateVethPair(socket, spec));
  return {};
}

Result<ContainerLink> VethPlugin::ConfigureContainer(const VethPair& pair,
                                                     const AddResult& result) const {
  ContainerEnd wanted = PlanContainerEnd(result);
  if (pair.was_there) wanted.mac = pair.container_end.mac;
  return ConfigureContainerEnd(environment_.netns, environment_.ifname, pair.container_end, wanted);
}

Result<> VethPlugin::GuardSenders(const Attachment& record) const {
  if (!guards_senders()) return {};
  return SenderGuard(paths_, record).Add();
}

Result<> VethPlugin::Del() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, Key()));
  ASSIGN_OR_RETURN(auto record, attachments_.Read(Key()));
  if (!record) {
    ASSIGN_OR_RETURN(record, GuessRecord());
  }
  return Detach(socket, *record);
}

// State was lost or never written: what the configuration, prevResult and the reservations tell.
Result<Attachment> VethPlugin::GuessRecord() const {
  ASSIGN_OR_RETURN(Attachment record, MakeRecord());
  ASSIGN_OR_RETURN(record.addresses, PreviousAddresses());
  CompleteMac(record);
  if (record.reservations.empty()) return record;
  ASSIGN_OR_RETURN(auto store,
                   ReservationStore::OpenExisting(record.reservations, paths_.owners()));
  if (!store) return record;
  ASSIGN_OR_RETURN(const auto held,
                   store->FindByOwner({environment_.container_id, environment_.ifname}));
  record.addresses.insert(record.addresses.end(), held.begin(), held.end());
  CompleteMac(record);
  return record;
}

// Of prevResult. One that another attachment has by now is no more this one's: DEL may be repeated.
Result<std::vector<IpAddress>> VethPlugin::PreviousAddresses() const {
  std::vector<IpAddress> addresses;
  if (!conf_.previous || conf_.previous->ips.empty()) return addresses;
  ASSIGN_OR_RETURN(const std::vector<Attachment> others, attachments_.List(conf_.name));
  for (const IpConfig& ip : conf_.previous->ips) {
    const bool taken = std::any_of(others.begin(), others.end(), [&](const Attachment& other) {
      const auto& theirs = other.addresses;
      return std::find(theirs.begin(), theirs.end(), ip.address.address) != theirs.end();
    });
    if (!taken) addresses.push_back(ip.address.address);
  }
  return addresses;
}

Result<> VethPlugin::Detach(netlink::RouteSocket& socket, const Attachment& record) {
  RETURN_IF_ERROR(ReleaseKernelObjects(socket, paths_, {record}));
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Del(), "ipam");
  return ReleaseRecord(socket, paths_, record);
}

}  // namespace trivet::cni
