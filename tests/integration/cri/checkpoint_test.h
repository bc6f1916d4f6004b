#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {

/// The two calls that save what runs, and their archives.
class CheckpointTestBase : public CriTest {
 protected:
  void TearDown() override;

  grpc::Status Save(const std::string& container, int64_t timeout_seconds = 0);
  grpc::Status SavePod(const std::string& pod, const std::vector<std::string>& containers,
                       const std::map<std::string, std::string>& options = {});

  [[nodiscard]] std::filesystem::path Archive() const { return folder_ / "saved.tar"; }
  [[nodiscard]] std::filesystem::path PodFolder() const { return folder_ / "saved-pod"; }
  /// Where the archive is unpacked to, and what the container changed to diff/ in it.
  std::filesystem::path Unpack(const std::filesystem::path& archive);
  /// Counts in /count, ten a second.
  v1::ContainerConfig CounterConfig(const std::string& name) const;
  /// Passes when the container's counter goes on.
  void ExpectRunsOn(const std::string& container);

  TempDirectory unpacked_;
};

}  // namespace trivet::testing
