#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.h"

namespace trivet::cni {

/// Ports of bridges that let no frame with a VLAN tag in. Bridge netfilter passes such frames by,
/// and the receiver takes one of VLAN 0 (IEEE 802.1p) as if it had none: a pod that may send raw
/// frames would get past every policy. One set and two rules in table bridge trivet_untagged,
/// whatever the number of pods; the table is there while the set has elements.
class TagGuard {
 public:
  /// `lock_file` is taken while the table is changed.
  explicit TagGuard(std::filesystem::path lock_file) : lock_file_(std::move(lock_file)) {}

  Result<> Add(const std::string& port);
  /// Absent is success.
  Result<> Remove(const std::string& port);
  /// Errors: kFailedPrecondition.
  static Result<> Check(const std::string& port);

 private:
  std::filesystem::path lock_file_;
};

}  // namespace trivet::cni
