#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "ctl/node/records.h"

namespace trivet::ctl {

/// The folder of manifests that the network-policy agent reads where there is no API server.
class PolicyFolder {
 public:
  explicit PolicyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Shows the object to the agent. Complete or not at all: the agent may look at any moment.
  Result<> Put(const Record& record) const;
  /// Absent is success.
  Result<> Remove(const Record& record) const;

 private:
  [[nodiscard]] std::filesystem::path File(const Record& record) const;
  std::filesystem::path folder_;
};

}  // namespace trivet::ctl
