#pragma once

#include "cni/ipam/ipam.h"

namespace trivet::cni {

inline constexpr std::string_view kHostLocalType = "host-local";

/// Addresses from ranges of the configuration, kept in host-local's folder.
class HostLocal : public Ipam {
 public:
  HostLocal(const NetConf& conf, const Environment& environment)
      : conf_(conf), environment_(environment) {}

  /// Errors: as ParseHostLocalConf and Allocate; kAlreadyExists when the interface holds addresses.
  Result<AddResult> Add() override;
  Result<> Del() override;
  Result<> Release(const AttachmentKey& key) override;
  /// Errors: kFailedPrecondition when the interface holds none, or not all of prevResult's.
  Result<> Check() override;
  Result<> Gc(const std::vector<AttachmentKey>& valid) override;
  /// Errors: kUnavailable when a range set has no address left.
  Result<> Status() override;

 private:
  Result<> Free(const struct Owner& owner);

  const NetConf& conf_;
  const Environment& environment_;
};

}  // namespace trivet::cni
