#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"

namespace trivet::network {

/// This node's pod CIDRs, as UpdateRuntimeConfig has told them last, kept in a file: the kubelet
/// does not repeat them when this daemon restarts. Any thread.
class PodCidrs {
 public:
  /// Errors: kInvalidArgument for a damaged file; the kernel's.
  static Result<std::unique_ptr<PodCidrs>> Open(std::filesystem::path file);

  /// "10.1.2.0/24,fd00:1::/64"; empty leaves what is known. Errors: kInvalidArgument.
  Result<> Set(std::string_view list);

  /// For the capability "ipRanges" of a plugin: a range set per CIDR; empty when none is known.
  /// Source: CNI's conventions document.
  [[nodiscard]] json::Value CapabilityArgs() const;

 private:
  explicit PodCidrs(std::filesystem::path file) : file_(std::move(file)) {}

  std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::vector<std::string> cidrs_;
};

/// Errors: kInvalidArgument for what is no "address/bits", or has bits set after the prefix.
Result<std::vector<std::string>> ParsePodCidrs(std::string_view list);

}  // namespace trivet::network
