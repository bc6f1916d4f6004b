#pragma once

#include "cni/ipam/ipam.h"

namespace trivet::cni {

inline constexpr std::string_view kStaticType = "static";

/// Addresses that the configuration or the runtime says one by one; nothing is kept of them.
class Static : public Ipam {
 public:
  Static(const NetConf& conf, const Environment& environment)
      : conf_(conf), environment_(environment) {}

  /// Errors: as ParseStaticConf.
  Result<AddResult> Add() override;
  Result<> Del() override { return {}; }
  Result<> Release(const AttachmentKey& /*key*/) override { return {}; }
  /// Errors: kInvalidArgument without a prevResult, kFailedPrecondition when an address is not in
  /// it or has another gateway there.
  Result<> Check() override;
  Result<> Gc(const std::vector<AttachmentKey>& /*valid*/) override { return {}; }
  Result<> Status() override;

 private:
  const NetConf& conf_;
  const Environment& environment_;
};

/// What the `ipam` object of type static says, with what the runtime makes of it: the addresses of
/// CNI_ARGS IP are more, with the gateways of GATEWAY where they are in the address's network;
/// those of args.cni.ips, and then those of runtimeConfig.ips, replace all others.
/// Errors: kInvalidArgument that names the key.
Result<AddResult> ParseStaticConf(const NetConf& conf, const Environment& environment);

}  // namespace trivet::cni
