#pragma once

#include <memory>

#include "cni/ipam/ipam.h"
#include "cni/plugin.h"

namespace trivet::cni {

/// Types "host-local" and "static" as programs of their own, for other people's main plugins that
/// delegate to them.
class IpamPlugin : public Plugin {
 public:
  static Result<std::unique_ptr<Plugin>> MakeHostLocal(const NetConf& conf,
                                                       const Environment& environment);
  static Result<std::unique_ptr<Plugin>> MakeStatic(const NetConf& conf,
                                                    const Environment& environment);

  IpamPlugin(const NetConf& conf, std::unique_ptr<Ipam> ipam)
      : conf_(conf), ipam_(std::move(ipam)) {}

  Result<json::Value> Add() override;
  Result<> Del() override { return ipam_->Del(); }
  Result<> Check() override { return ipam_->Check(); }
  Result<> Gc() override { return ipam_->Gc(conf_.valid_attachments); }
  Result<> Status() override { return ipam_->Status(); }

 private:
  const NetConf& conf_;
  const std::unique_ptr<Ipam> ipam_;
};

}  // namespace trivet::cni
