#pragma once

#include <memory>

#include "cni/ipam/host_local.h"
#include "cni/plugin.h"

namespace trivet::cni {

/// Type "host-local" as a program of its own, for other people's main plugins that delegate to it.
class HostLocalPlugin : public Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> Make(const NetConf& conf, const Environment& environment);

  HostLocalPlugin(const NetConf& conf, const Environment& environment)
      : conf_(conf), host_local_(conf, environment) {}

  Result<json::Value> Add() override;
  Result<> Del() override { return host_local_.Del(); }
  Result<> Check() override { return host_local_.Check(); }
  Result<> Gc() override { return host_local_.Gc(conf_.valid_attachments); }
  Result<> Status() override { return host_local_.Status(); }

 private:
  const NetConf& conf_;
  HostLocal host_local_;
};

}  // namespace trivet::cni
