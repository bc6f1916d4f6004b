#pragma once

#include <memory>
#include <optional>

#include "cni/attachment.h"
#include "cni/attachment_store.h"
#include "cni/bridge_conf.h"
#include "cni/ipam/ipam.h"
#include "cni/link.h"
#include "cni/paths.h"
#include "cni/plugin.h"

namespace trivet::cni {

/// Type "bridge": a veth pair whose host end is a port of a Linux bridge.
///
/// ADD is a transaction: the record is on disk before anything is made, and any failure takes the
/// same way back as DEL. So does an ADD that finds the record of one that was killed.
class BridgePlugin : public Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  BridgePlugin(const NetConf& conf, const Environment& environment, BridgeConf bridge,
               std::unique_ptr<Ipam> ipam);

  Result<json::Value> Add() override;
  Result<> Del() override;
  Result<> Check() override;
  Result<> Gc() override;
  Result<> Status() override;

 private:
  [[nodiscard]] AttachmentKey Key() const;
  [[nodiscard]] Result<Attachment> MakeRecord() const;

  // ADD, in this order.
  Result<> ForgetLeftover(netlink::RouteSocket& socket);
  Result<AddResult> Attach(netlink::RouteSocket& socket, Attachment& record);
  Result<AddResult> GetAddresses(Attachment& record);
  Result<> CommitPolicy(const Attachment& record);
  Result<Link> EnsureShared(netlink::RouteSocket& socket, const AddResult& result,
                            const Attachment& record);
  Result<> Forward(const AddResult& result);
  Result<std::vector<IpPrefix>> Subnets(const AddResult& result);
  Result<Link> CreateVeth(netlink::RouteSocket& socket, const Link& bridge,
                          const Attachment& record);

  // DEL and every failure of ADD.
  Result<> Detach(netlink::RouteSocket& socket, const Attachment& record);
  [[nodiscard]] Result<Attachment> GuessRecord() const;

  Result<> GcShared(netlink::RouteSocket& socket, const std::vector<AttachmentKey>& kept);
  [[nodiscard]] Result<> GcPolicy(const std::vector<AttachmentKey>& kept) const;
  Result<> CheckBridgeForStatus(netlink::RouteSocket& socket);
  Result<> CheckHostSide(netlink::RouteSocket& socket);
  Result<> CheckAgents(const Attachment& record);

  const NetConf& conf_;
  const Environment& environment_;
  const BridgeConf bridge_;
  const std::unique_ptr<Ipam> ipam_;  // none: layer 2 only
  const Paths paths_;
  const AttachmentStore attachments_;
};

}  // namespace trivet::cni
