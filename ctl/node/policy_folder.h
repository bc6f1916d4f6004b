#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "ctl/node/records.h"

namespace trivet::ctl {

/// The folder of manifests that the network-policy agent reads where there is no API server:
/// namespaces, policies and pods, one file each. Claims are none of the agent's business.
class PolicyFolder {
 public:
  explicit PolicyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Shows the object to the agent as an API server would. Complete or not at all: the agent may
  /// look at any moment. `addresses` are a pod's, once its sandbox has some.
  Result<> Put(const Record& record, const std::vector<std::string>& addresses = {}) const;
  /// Absent is success.
  Result<> Remove(const Record& record) const;
  /// Removes what a Put that was killed left.
  Result<> Tidy() const;

 private:
  [[nodiscard]] std::filesystem::path File(const Record& record) const;
  std::filesystem::path folder_;
};

}  // namespace trivet::ctl
