#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cni/bandwidth/bandwidth_conf.h"
#include "cni/chain/chained_plugin.h"
#include "cni/link.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Type "bandwidth": limits what a pod receives at the host end of its veth pair, and what it sends
/// at an ifb that the host end redirects to.
class BandwidthPlugin : public ChainedPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  BandwidthPlugin(const NetConf& conf, const Environment& environment, BandwidthConf bandwidth)
      : ChainedPlugin(conf, environment, "bandwidth"), bandwidth_(std::move(bandwidth)) {}

 protected:
  Result<json::Value> Plan(const AddResult& previous) override;
  Result<> Make(const json::Value& plan, json::Value& result) override;
  Result<> Undo(const AttachmentKey& key, const json::Value& plan) override;
  /// The ifb, which the reference made or whose record was lost. The host end goes with its pod.
  Result<> UndoUnrecorded(const AttachmentKey& key) override;
  Result<> Verify(const json::Value& plan, const AddResult& previous) override;
  Result<> Sweep(const std::vector<AttachmentKey>& kept) override;

 private:
  Result<> LimitEgress(netlink::RouteSocket& socket, const Link& host_end, json::Value& result);

  const BandwidthConf bandwidth_;
};

}  // namespace trivet::cni
