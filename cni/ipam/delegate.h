#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cni/ipam/ipam.h"
#include "common/linux/command.h"

namespace trivet::cni {

/// The program of that name in CNI_PATH. Errors: kInvalidArgument when there is none.
Result<std::filesystem::path> FindPlugin(const Environment& environment, const std::string& type);

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
  Result<> Release(const AttachmentKey& key) override;
  Result<> Check() override;
  /// A program of before 1.1.0 that does not know the command is success: its addresses are freed
  /// by Release() alone.
  Result<> Gc(const std::vector<AttachmentKey>& valid) override;
  Result<> Status() override;

 private:
  /// "CNI_…=value": what wins over our own environment.
  using Overrides = std::vector<std::string>;
  /// How it ended; a failure of its own is none of this.
  Result<RunOutput> Start(const Overrides& overrides);
  /// What it wrote to standard output.
  Result<std::string> Run(const Overrides& overrides);

  const NetConf& conf_;
  const Environment& environment_;
};

}  // namespace trivet::cni
