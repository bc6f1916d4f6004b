#pragma once

#include <optional>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"
#include "tests/testing/processes.h"

namespace trivet::testing {

/// What a daemon has ready for the next pod.
struct SpareSandbox {
  std::string id;
  pid_t shim = 0;
};

class SpareTest : public CriTest {
 protected:
  // One that waits for a pod that is not there.
  [[nodiscard]] std::optional<SpareSandbox> FindSpare() const {
    for (const Process& shim : FindChildren(daemon_->pid(), "--wait")) {
      const std::filesystem::path folder = shim.words.at(2);
      EXPECT_EQ(folder.parent_path(), folders_.run / "shims");
      if (IsWaitingShim(shim)) return SpareSandbox{.id = folder.filename(), .shim = shim.pid};
    }
    return std::nullopt;
  }
  SpareSandbox AwaitSpare() {
    std::optional<SpareSandbox> spare;
    EXPECT_TRUE(
        Eventually([&] { return (spare = FindSpare()).has_value(); }, std::chrono::seconds(2)));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until the daemon has it
    return spare.value_or(SpareSandbox());
  }
  [[nodiscard]] pid_t ShimOf(const std::string& pod) const {
    return std::stoi(*ReadFile(folders_.run / "shims" / pod / "pid"));
  }
  [[nodiscard]] bool IsOnDisk(const std::string& id) const {
    return std::filesystem::exists(folders_.run / "shims" / id) ||
           std::filesystem::exists(folders_.run / "netns" / id) ||
           std::filesystem::exists(folders_.state / "sandboxes" / (id + ".json"));
  }
  static bool Runs(pid_t pid) {
    return !ReadFile(fmt::format("/proc/{}/cmdline", pid)).value_or("").empty();
  }
  std::string MustStartSleeper(const std::string& pod) {
    return MustStart(pod, ShellConfig("c", "sleep 1000"));
  }
  std::string MustRun(const v1::PodSandboxConfig& config) {
    std::string id;
    EXPECT_THAT(RunPod(config, &id), IsRpcOk());
    return id;
  }
  // The pod has another sandbox, and this one waits on.
  void ExpectUntaken(const SpareSandbox& spare, const std::string& pod) {
    EXPECT_NE(pod, spare.id);
    EXPECT_NE(ShimOf(pod), spare.shim);
    const auto found = FindSpare();
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->id, spare.id);
  }
};

}  // namespace trivet::testing
