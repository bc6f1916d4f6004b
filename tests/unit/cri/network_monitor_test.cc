#include "cri-runtime/cni/monitor.h"

#include <sys/stat.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using testing::FailsWith;
using testing::IsOk;

// A plugin that is ready unless the file "unready" is beside it.
constexpr const char* kPlugin = R"sh(#!/bin/sh
[ $CNI_COMMAND = VERSION ] && echo '{"supportedVersions": ["1.0.0", "1.1.0"]}'
[ $CNI_COMMAND = STATUS ] && echo x >>"$(dirname "$0")/asked"
[ $CNI_COMMAND = STATUS ] && [ -e "$(dirname "$0")/unready" ] && {
  echo '{"code": 50, "msg": "no uplink"}'
  exit 1
}
exit 0
)sh";
constexpr const char* kConfig =
    R"({"cniVersion": "1.1.0", "name": "n", "plugins": [{"type": "plugin"}]})";

class NetworkMonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.Fill({{"bin/plugin", kPlugin}, {"net.d/10.conflist", kConfig}});
    ASSERT_EQ(::chmod((folder_ / "bin/plugin").c_str(), 0755), 0);
    auto monitor =
        NetworkMonitor::Start(network_, {.directory = folder_ / "net.d",
                                         .capability_args = [] { return json::Value::object(); },
                                         .interval = std::chrono::milliseconds(20),
                                         .retry_interval = std::chrono::milliseconds(20),
                                         .answer_patience = std::chrono::seconds(60)});
    ASSERT_THAT(monitor, IsOk());
    monitor_ = std::move(*monitor);
  }
  // The first answer that is (not) ready.
  Result<NetworkConfig> AwaitReady(bool ready) {
    auto answer = monitor_->Ready();
    for (int i = 0; i < 3000 && answer.has_value() != ready; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      answer = monitor_->Ready();
    }
    return answer;
  }

  testing::TempDirectory folder_;
  Network network_{{folder_ / "bin"}};
  std::unique_ptr<NetworkMonitor> monitor_;
};

TEST_F(NetworkMonitorTest, IsReadyWhenThePluginsAre) {
  const auto ready = monitor_->Ready();
  ASSERT_THAT(ready, IsOk());
  EXPECT_EQ(ready->name, "n");
}

TEST_F(NetworkMonitorTest, FollowsThePluginsStatus) {
  folder_.Fill({{"bin/unready", ""}});
  EXPECT_THAT(AwaitReady(false), FailsWith(Code::kInternal, "no uplink"));
  std::filesystem::remove(folder_ / "bin/unready");
  EXPECT_THAT(AwaitReady(true), IsOk());
}

TEST_F(NetworkMonitorTest, FollowsTheFolderAtOnce) {
  ASSERT_THAT(monitor_->Ready(), IsOk());
  std::filesystem::remove(folder_ / "net.d/10.conflist");
  EXPECT_THAT(monitor_->Ready(), FailsWith(Code::kNotFound, "no network configuration"));
  folder_.Fill({{"net.d/20.conflist", R"({"cniVersion": "1.0.0", "name": "m",
                                          "plugins": [{"type": "absent"}]})"}});
  EXPECT_THAT(monitor_->Ready(), FailsWith(Code::kNotFound, "network m: no plugin absent"));
}

TEST_F(NetworkMonitorTest, RefusesAPluginThatDoesNotSpeakTheVersion) {
  folder_.Fill({{"net.d/10.conflist", R"({"cniVersion": "0.4.0", "name": "n",
                                          "plugins": [{"type": "plugin"}]})"}});
  EXPECT_THAT(AwaitReady(false), FailsWith(Code::kFailedPrecondition, "plugin VERSION: speaks"));
}

}  // namespace
}  // namespace trivet::network
