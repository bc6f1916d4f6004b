#pragma once

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/rpc/server.h"
#include "ctl/node/apply.h"
#include "tests/testing/fake_cri.h"
#include "tests/testing/fake_csi.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {

/// Manifests played against a runtime and a driver that only remember. Each Run and Delete is as a
/// new process would do it: what they know is on disk.
class PlayTest : public testing::NamespaceTest {
 protected:
  void SetUp() override;

  Result<> Run(const std::string& manifests);
  Result<> RunAndWait(const std::string& manifests);
  Result<> Delete(const std::string& manifests);

  [[nodiscard]] NodeOptions Options() const;
  /// Files below the state folder, without the lock and empty folders.
  [[nodiscard]] std::vector<std::string> Left() const;
  /// What the policy agent is shown.
  [[nodiscard]] std::vector<std::string> Shown() const;
  [[nodiscard]] std::string Said() const { return said_.str(); }

  testing::TempDirectory folder_;
  testing::CallLog calls_;
  testing::FakeRuntime runtime_{calls_};
  testing::FakeImages images_{calls_};
  testing::FakeDriver driver_{calls_};

 private:
  using Action = std::function<Result<>(Node&, const Bundle&)>;
  Result<> Play(const std::string& manifests, const Action& action);

  std::optional<rpc::Server> cri_server_;
  std::optional<rpc::Server> csi_server_;
  std::ostringstream said_;
};

}  // namespace trivet::ctl
