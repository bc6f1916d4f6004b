#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/device_rules.h"

namespace trivet {

/// The device programs that the kernel has of this process. Most containers have the same rules,
/// and to check and translate a program costs the kernel 0.3 ms: each is loaded once. Any thread.
class DevicePrograms {
 public:
  /// The program of `rules`. It stays loaded as long as the caller, a group or this object has it.
  /// Errors: as MakeDeviceProgram and LoadDeviceProgram.
  Result<std::shared_ptr<const UniqueFd>> Get(const std::vector<DeviceRule>& rules);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const UniqueFd>> loaded_;  // by the instructions' bytes
};

}  // namespace trivet
