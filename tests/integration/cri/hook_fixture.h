#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/json.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {

/// A daemon with a CDI device whose hooks are shell scripts.
class HookTest : public CriTest {
 protected:
  /// Each with its name. In `OUT` is the folder for what they write.
  void UseHooks(const std::vector<std::pair<std::string, std::string>>& hooks,
                int timeout_seconds = 20, const std::string& path = "/bin/sh");
  v1::ContainerConfig DeviceConfig(const std::string& script = "sleep 1000") const;
  /// What a hook has written there; "absent" where there is no such file.
  [[nodiscard]] std::string Out(const std::string& name) const;
  [[nodiscard]] std::string AwaitOut(const std::string& name) const;
  /// The OCI state that a hook has written there.
  [[nodiscard]] json::Value StateOf(const std::string& name) const;
};

}  // namespace trivet::testing
