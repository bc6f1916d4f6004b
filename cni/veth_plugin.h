#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cni/attachment.h"
#include "cni/attachment_store.h"
#include "cni/container_end.h"
#include "cni/ipam/ipam.h"
#include "cni/link.h"
#include "cni/paths.h"
#include "cni/plugin.h"
#include "cni/veth.h"
#include "common/linux/file_lock.h"

namespace trivet::cni {

/// What the types that give a pod one end of a veth pair have in common: everything but how the
/// host end is connected, which is Connect().
///
/// ADD is a transaction: the record is on disk before anything is made, and any failure takes the
/// same way back as DEL. So does an ADD that finds the record of one that was killed.
class VethPlugin : public Plugin {
 public:
  Result<json::Value> Add() final;
  Result<> Del() final;
  Result<> Check() final;
  Result<> Gc() final;
  Result<> Status() final;
  Result<> Prepare() final;

 protected:
  /// `conf` and `environment` are borrowed. `ipam`: none for layer 2 only.
  VethPlugin(const NetConf& conf, const Environment& environment, std::unique_ptr<Ipam> ipam,
             bool masquerade);

  // What a type adds.

  /// What of the type DEL has to know.
  virtual void Describe(Attachment& record) const = 0;
  /// Completes what the IPAM plugin has told: gateways, routes. Errors: kInvalidArgument.
  virtual Result<> Complete(AddResult& result) const = 0;
  /// Makes what is shared, then the veth pair, and brings the host end up last: the policy is in
  /// force already. Returns the interfaces in the order of the result.
  virtual Result<std::vector<Interface>> Connect(netlink::RouteSocket& socket,
                                                 const AddResult& result, Attachment& record) = 0;
  /// The veth pair as Connect would make it, but for its names and its container's MAC address.
  /// Errors: kUnavailable when what pods share is not there; kUnimplemented when nothing may be
  /// there ahead.
  virtual Result<VethSpec> PlanPrepared(netlink::RouteSocket& socket) const = 0;
  /// `own` is what prevResult tells of the container's interface, and that interface alone.
  /// Errors: kFailedPrecondition that names what of the host's side is missing or wrong.
  virtual Result<> CheckHostSide(netlink::RouteSocket& socket, const Link& host_end,
                                 const AddResult& own) = 0;
  /// What the container's interface has to have, for ADD to give it and CHECK to look for it.
  [[nodiscard]] virtual ContainerEnd PlanContainerEnd(const AddResult& result) const = 0;
  /// Whether what the pod sends is checked by SenderGuard.
  [[nodiscard]] virtual bool guards_senders() const { return conf_.policy.has_value(); }
  /// Errors: as Plugin::Status().
  virtual Result<> CheckReady(netlink::RouteSocket& /*socket*/) { return {}; }

  // What a type uses.

  enum class Forwarding { kAsItIs, kOn };
  /// Forwarding and masquerade; the caller holds the network's lock.
  Result<> EnsureNetwork(netlink::RouteSocket& socket, const AddResult& result,
                         const Attachment& record, Forwarding forwarding) const;
  /// Held while things are made that the network's attachments share.
  [[nodiscard]] Result<FileLock> LockNetwork() const;
  /// Both ends, down; the names, the namespace and the record's MAC address are filled in. The pair
  /// that Prepare made, if it did.
  Result<VethPair> CreateVeth(netlink::RouteSocket& socket, const Attachment& record,
                              VethSpec spec) const;
  Result<ContainerLink> ConfigureContainer(const VethPair& pair, const AddResult& result) const;
  /// From here on the pod sends what it may and no more.
  [[nodiscard]] Result<> GuardSenders(const Attachment& record) const;

  [[nodiscard]] const NetConf& conf() const { return conf_; }
  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] const Paths& paths() const { return paths_; }
  [[nodiscard]] const AttachmentStore& attachments() const { return attachments_; }
  [[nodiscard]] bool has_ipam() const { return ipam_ != nullptr; }

 private:
  [[nodiscard]] AttachmentKey Key() const;
  /// Fills in the names and the namespace, which is open for as long as what is returned is.
  Result<UniqueFd> NameEnds(VethSpec& spec) const;
  [[nodiscard]] Result<Attachment> MakeRecord() const;

  // ADD, in this order.
  Result<> ForgetLeftover(netlink::RouteSocket& socket);
  Result<AddResult> Attach(netlink::RouteSocket& socket, Attachment& record);
  Result<AddResult> GetAddresses(Attachment& record);
  Result<> CommitPolicy(const Attachment& record);

  // DEL and every failure of ADD.
  Result<> Detach(netlink::RouteSocket& socket, const Attachment& record);
  [[nodiscard]] Result<Attachment> GuessRecord() const;
  [[nodiscard]] Result<std::vector<IpAddress>> PreviousAddresses() const;

  Result<> CheckHostEnd(netlink::RouteSocket& socket, const std::string& name,
                        const Link& container_end, const AddResult& own);
  Result<> CheckAgents(const Attachment& record);
  [[nodiscard]] Result<> CheckPolicy(const Attachment& record) const;
  Result<> GcAddresses(const std::vector<Attachment>& released,
                       const std::vector<AttachmentKey>& kept);
  Result<> GcShared(netlink::RouteSocket& socket, const std::vector<AttachmentKey>& kept);
  [[nodiscard]] Result<> GcPolicy(const std::vector<AttachmentKey>& kept) const;

  const NetConf& conf_;
  const Environment& environment_;
  const std::unique_ptr<Ipam> ipam_;
  const bool masquerade_;
  const Paths paths_;
  const AttachmentStore attachments_;
  std::vector<IpPrefix> subnets_;  // of the addresses, as the IPAM plugin told them
};

}  // namespace trivet::cni
