#pragma once

#include <string>
#include <vector>

#include "cni/ipam/ipam.h"

namespace trivet::cni {

/// Addresses from another IPAM plugin: found in CNI_PATH by ipam.type, run with
/// our own environment and standard input, as a runtime would run it.
/// Source: CNI spec 1.1.0, section 4 "Plugin Delegation".
class Delegate : public Ipam {
 public:
  Delegate(const NetConf& conf, const Environment& environment)
      : conf_(conf), environment_(environment) {}

  /// Errors, of all: kInvalidArgument when CNI_PATH has no such program; kUnavailable when it says
  /// "try again later" or, to STATUS, "not available"; otherwise kInternal with its own words.
  Result<AddResult> Add() override;
  Result<> Del() override;
  Result<> Check() override;
  Result<> Gc(const std::vector<AttachmentKey>& valid) override;
  Result<> Status() override;

 private:
  /// What it wrote to standard output.
  Result<std::string> Run(std::string_view command);

  const NetConf& conf_;
  const Environment& environment_;
};

}  // namespace trivet::cni
