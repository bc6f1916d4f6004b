#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cni/chain/chained_plugin.h"
#include "cni/firewall/firewall_conf.h"

namespace trivet::cni {

/// Type "firewall": the pod's addresses, and what its bridge takes from others, in a table of ours.
class FirewallPlugin : public ChainedPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  FirewallPlugin(const NetConf& conf, const Environment& environment, IngressPolicy policy)
      : ChainedPlugin(conf, environment, "firewall"), policy_(policy) {}

 protected:
  Result<json::Value> Plan(const AddResult& previous) override;
  Result<> Make(const json::Value& plan, json::Value& result) override;
  Result<> Undo(const AttachmentKey& key, const json::Value& plan) override;
  Result<> UndoUnrecorded(const AttachmentKey& key) override;
  Result<> ReleaseShared() override;
  Result<> Verify(const json::Value& plan, const AddResult& previous) override;
  Result<> Sweep(const std::vector<AttachmentKey>& kept) override;

 private:
  const IngressPolicy policy_;
};

}  // namespace trivet::cni
