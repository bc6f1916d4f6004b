#include "cni/bridge_plugin.h"

#include <fcntl.h>

#include <algorithm>

#include "cni/bridge.h"
#include "cni/bridge_gateway.h"
#include "cni/container_end.h"
#include "cni/ipam/host_local.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/reservation_store.h"
#include "cni/masquerade.h"
#include "cni/policy_client.h"
#include "cni/release.h"
#include "cni/sysctl.h"
#include "cni/veth.h"
#include "common/base/log.h"
#include "common/linux/file.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {
namespace {

// Both are told: what failed, and what is therefore still there.
Error WithUndo(Error error, const Result<>& undone) {
  if (undone) return error;
  return {error.code(),
          fmt::format("{}; and undoing it: {}", error.message(), undone.error().message())};
}

Interface Describe(const Link& link, const std::string& sandbox) {
  return {.name = link.name, .mac = link.mac, .mtu_bytes = link.mtu_bytes, .sandbox = sandbox};
}

}  // namespace

Result<std::unique_ptr<Plugin>> BridgePlugin::Make(const NetConf& conf,
                                                   const Environment& environment) {
  ASSIGN_OR_RETURN(BridgeConf bridge, ParseBridgeConf(conf, environment));
  ASSIGN_OR_RETURN(auto ipam, MakeIpam(conf, environment));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<BridgePlugin>(conf, environment, std::move(bridge), std::move(ipam));
  return plugin;
}

BridgePlugin::BridgePlugin(const NetConf& conf, const Environment& environment, BridgeConf bridge,
                           std::unique_ptr<Ipam> ipam)
    : conf_(conf),
      environment_(environment),
      bridge_(std::move(bridge)),
      ipam_(std::move(ipam)),
      paths_(conf.state_folder),
      attachments_(paths_) {}

AttachmentKey BridgePlugin::Key() const {
  return {conf_.name, environment_.container_id, environment_.ifname};
}

Result<Attachment> BridgePlugin::MakeRecord() const {
  Attachment record;
  record.key = Key();
  ASSIGN_OR_RETURN(record.boot_id, ReadBootId());
  record.host_interface = HostInterfaceName(record.key);
  record.bridge = bridge_.bridge;
  record.owns_bridge = bridge_.ephemeral;
  record.masquerade = bridge_.masquerade;
  record.policy = conf_.policy;
  if (conf_.ipam_type == kHostLocalType) {
    ASSIGN_OR_RETURN(record.reservations, ReadReservationFolder(conf_));
  }
  return record;
}

Result<json::Value> BridgePlugin::Add() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(Attachment record, MakeRecord());
  RETURN_IF_ERROR(ReleaseEarlierBoots(paths_, record.boot_id), "state of an earlier boot");
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, record.key));
  RETURN_IF_ERROR(ForgetLeftover(socket));

  RETURN_IF_ERROR(attachments_.WriteDurably(record), "record");
  auto result = Attach(socket, record);
  if (result) return ToJson(*result, conf_.version);
  return std::unexpected(WithUndo(std::move(result).error(), Detach(socket, record)));
}

Result<> BridgePlugin::ForgetLeftover(netlink::RouteSocket& socket) {
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

Result<AddResult> BridgePlugin::Attach(netlink::RouteSocket& socket, Attachment& record) {
  ASSIGN_OR_RETURN(AddResult result, GetAddresses(record));
  RETURN_IF_ERROR(CommitPolicy(record));
  ASSIGN_OR_RETURN(const Link bridge, EnsureShared(socket, result, record));
  ASSIGN_OR_RETURN(const Link host_end, CreateVeth(socket, bridge, record));
  ASSIGN_OR_RETURN(const Link container_end,
                   ConfigureContainerEnd(environment_.netns, environment_.ifname, result,
                                         bridge_.detect_duplicates ? DuplicateDetection::kOn
                                                                   : DuplicateDetection::kOff));
  // Last: from here on packets flow, and everything that judges them is in force.
  RETURN_IF_ERROR(BringPortUp(socket, host_end,
                              {.alias = AliasOf(record.key),
                               .hairpin = bridge_.hairpin,
                               .isolated = bridge_.isolated_ports}));
  record.complete = true;
  RETURN_IF_ERROR(attachments_.Write(record), "record");

  result.interfaces = {Describe(bridge, ""), Describe(host_end, ""),
                       Describe(container_end, environment_.netns)};
  for (IpConfig& ip : result.ips) ip.interface = 2;
  return result;
}

Result<AddResult> BridgePlugin::GetAddresses(Attachment& record) {
  AddResult result;
  if (ipam_ != nullptr) {
    ASSIGN_OR_RETURN(result, ipam_->Add(), "ipam");
    if (result.ips.empty()) return Fail(Code::kInternal, "ipam: gave no address");
  }
  CompleteGateways(bridge_, result);
  if (!conf_.dns.empty()) result.dns = conf_.dns;
  for (const IpConfig& ip : result.ips) record.addresses.push_back(ip.address.address);
  RETURN_IF_ERROR(attachments_.Write(record), "record");
  return result;
}

Result<> BridgePlugin::CommitPolicy(const Attachment& record) {
  if (!conf_.policy) return {};
  auto committed =
      PolicyClient(conf_.policy->socket).Add(record.key, record.addresses, environment_);
  if (committed || conf_.policy->required || committed.error().code() != Code::kUnavailable) {
    return committed;
  }
  WriteLogLine(LogLevel::kWarning, "trivet-cni", committed.error().message());
  return {};
}

Result<Link> BridgePlugin::EnsureShared(netlink::RouteSocket& socket, const AddResult& result,
                                        const Attachment& record) {
  RETURN_IF_ERROR(EnsureDirectory(paths_.locks()));
  ASSIGN_OR_RETURN(const auto network_lock, FileLock::Acquire(paths_.network_lock(conf_.name)));
  ASSIGN_OR_RETURN(const auto bridge_lock, FileLock::Acquire(paths_.bridge_lock(bridge_.bridge)));
  ASSIGN_OR_RETURN(const Link bridge,
                   EnsureBridge(socket, {.name = bridge_.bridge,
                                         .mark = paths_.bridge_mark(bridge_.bridge),
                                         .promiscuous = bridge_.promiscuous,
                                         .call_firewall = conf_.policy.has_value()}));
  if (bridge_.is_gateway) {
    for (const IpPrefix& gateway : GatewayAddresses(result)) {
      RETURN_IF_ERROR(EnsureBridgeAddress(socket, bridge, gateway, bridge_.force_address));
    }
    RETURN_IF_ERROR(Forward(result));
  }
  if (bridge_.masquerade) {
    ASSIGN_OR_RETURN(const auto subnets, Subnets(result));
    RETURN_IF_ERROR(Masquerade(conf_.name, paths_.masquerade_lock()).Add(subnets, record.addresses),
                    "masquerade");
  }
  return bridge;
}

Result<> BridgePlugin::Forward(const AddResult& result) {
  for (const IpConfig& ip : result.ips) {
    if (ip.address.address.is_v4()) {
      RETURN_IF_ERROR(SetSysctl("net/ipv4/ip_forward", "1"));
    } else {
      RETURN_IF_ERROR(SetSysctl("net/ipv6/conf/all/forwarding", "1"));
    }
  }
  return {};
}

// All of the network's, not only this pod's: pods of two ranges speak to each other untranslated.
Result<std::vector<IpPrefix>> BridgePlugin::Subnets(const AddResult& result) {
  std::vector<IpPrefix> subnets;
  for (const IpConfig& ip : result.ips) subnets.push_back(ip.address.Network());
  if (conf_.ipam_type != kHostLocalType) return subnets;
  ASSIGN_OR_RETURN(const HostLocalConf host_local, ParseHostLocalConf(conf_, environment_));
  for (const RangeSet& set : host_local.sets) {
    for (const Range& range : set) {
      if (std::find(subnets.begin(), subnets.end(), range.subnet) == subnets.end()) {
        subnets.push_back(range.subnet);
      }
    }
  }
  return subnets;
}

Result<Link> BridgePlugin::CreateVeth(netlink::RouteSocket& socket, const Link& bridge,
                                      const Attachment& record) {
  const UniqueFd netns(::open(environment_.netns.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", environment_.netns.native());
  const std::string mac = bridge_.mac.empty() && !record.addresses.empty()
                              ? MacOf(record.addresses.front())
                              : bridge_.mac;
  RETURN_IF_ERROR(CreateVethPair(socket, {.host_name = record.host_interface,
                                          .container_name = environment_.ifname,
                                          .container_mac = mac,
                                          .mtu_bytes = bridge_.mtu_bytes,
                                          .bridge_index = bridge.index,
                                          .container_netns_fd = netns.get()}));
  return ReadLink(socket, record.host_interface);
}

Result<> BridgePlugin::Del() {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto lock, AttachmentLock::Acquire(paths_, Key()));
  ASSIGN_OR_RETURN(auto record, attachments_.Read(Key()));
  if (!record) {
    ASSIGN_OR_RETURN(record, GuessRecord());
  }
  return Detach(socket, *record);
}

// State was lost or never written: what the configuration, prevResult and the reservations tell.
Result<Attachment> BridgePlugin::GuessRecord() const {
  ASSIGN_OR_RETURN(Attachment record, MakeRecord());
  if (conf_.previous) {
    for (const IpConfig& ip : conf_.previous->ips) record.addresses.push_back(ip.address.address);
  }
  if (record.reservations.empty()) return record;
  ASSIGN_OR_RETURN(auto store, ReservationStore::OpenExisting(record.reservations));
  if (!store) return record;
  ASSIGN_OR_RETURN(const auto held,
                   store->FindByOwner({environment_.container_id, environment_.ifname}));
  record.addresses.insert(record.addresses.end(), held.begin(), held.end());
  return record;
}

Result<> BridgePlugin::Detach(netlink::RouteSocket& socket, const Attachment& record) {
  RETURN_IF_ERROR(ReleaseKernelObjects(socket, paths_, record));
  if (ipam_ != nullptr) RETURN_IF_ERROR(ipam_->Del(), "ipam");
  return ReleaseRecord(socket, paths_, record);
}

}  // namespace trivet::cni
