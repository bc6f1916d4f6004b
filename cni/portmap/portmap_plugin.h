#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cni/chain/chained_plugin.h"
#include "cni/portmap/host_port.h"
#include "cni/portmap/port_map_conf.h"
#include "cni/portmap/port_policy.h"

namespace trivet::cni {

/// Type "portmap": ports of the node lead to the container's.
class PortmapPlugin : public ChainedPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  PortmapPlugin(const NetConf& conf, const Environment& environment, PortMapConf parsed)
      : ChainedPlugin(conf, environment, "portmap"), portmap_(std::move(parsed)) {}

 protected:
  Result<json::Value> Plan(const AddResult& previous) override;
  Result<> Make(const json::Value& plan, json::Value& result) override;
  Result<> Undo(const AttachmentKey& key, const json::Value& plan) override;
  Result<> UndoUnrecorded(const AttachmentKey& key) override;
  Result<> ReleaseShared() override;
  Result<> Verify(const json::Value& plan, const AddResult& previous) override;
  Result<> Sweep(const std::vector<AttachmentKey>& kept) override;

 private:
  Result<> RemoveOwned(const std::function<bool(const std::string& owner)>& is_meant);
  [[nodiscard]] std::vector<PortPolicy> Policies(const AddResult& previous) const;

  const PortMapConf portmap_;
};

}  // namespace trivet::cni
