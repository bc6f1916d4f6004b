#pragma once

#include <memory>

#include "cni/plugin.h"

namespace trivet::cni {

/// Type "loopback": brings lo up.
class LoopbackPlugin : public Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  LoopbackPlugin(const NetConf& conf, const Environment& environment)
      : conf_(conf), environment_(environment) {}

  /// A prevResult is passed on.
  Result<json::Value> Add() override;
  Result<> Del() override;
  Result<> Check() override;
  Result<> Gc() override { return {}; }
  Result<> Status() override { return {}; }

 private:
  const NetConf& conf_;
  const Environment& environment_;
};

}  // namespace trivet::cni
