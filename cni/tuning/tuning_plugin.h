#pragma once

#include <memory>
#include <optional>

#include "cni/chain/chained_plugin.h"
#include "cni/link.h"
#include "cni/tuning/tuning_conf.h"
#include "common/linux/netlink.h"

namespace trivet::cni {

/// Type "tuning": settings of the container's network namespace and of its interface. What was
/// there before is in the record, and DEL writes it back.
class TuningPlugin : public ChainedPlugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  TuningPlugin(const NetConf& conf, const Environment& environment, TuningConf tuning)
      : ChainedPlugin(conf, environment, "tuning"), tuning_(std::move(tuning)) {}

 protected:
  Result<json::Value> Plan(const AddResult& previous) override;
  Result<> Make(const json::Value& plan, json::Value& result) override;
  Result<> Undo(const AttachmentKey& key, const json::Value& plan) override;
  Result<> Verify(const json::Value& plan, const AddResult& previous) override;

 private:
  // In the container's network namespace.
  Result<json::Value> ReadBefore() const;
  Result<> Change() const;
  Result<> Compare() const;

  void TellChanges(json::Value& result) const;

  const TuningConf tuning_;
};

}  // namespace trivet::cni
