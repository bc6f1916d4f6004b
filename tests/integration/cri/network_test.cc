#include <fstream>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"
#include "tests/testing/processes.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kNewerConfig = R"({"cniVersion": "1.1.0", "name": "test", "plugins": [
    {"type": "script", "capabilities": {"bandwidth": true, "ipRanges": true, "aliases": true}}]})";

// The runtime's side of CNI.
class CriNetworkTest : public CriTest {
 protected:
  v1::RuntimeCondition NetworkCondition() {
    v1::StatusResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().Status(&context, {}, &response), IsRpcOk());
    return response.status().conditions(1);
  }
  v1::RuntimeCondition AwaitNetwork(bool ready) {
    auto condition = NetworkCondition();
    for (int i = 0; i < 1000 && condition.status() != ready; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      condition = NetworkCondition();
    }
    return condition;
  }
  grpc::Status SetPodCidr(const std::string& cidr) {
    v1::UpdateRuntimeConfigRequest request;
    request.mutable_runtime_config()->mutable_network_config()->set_pod_cidr(cidr);
    v1::UpdateRuntimeConfigResponse response;
    grpc::ClientContext context;
    return daemon_->runtime().UpdateRuntimeConfig(&context, request, &response);
  }
  // Of this test's plugins: another daemon may have its own.
  [[nodiscard]] std::vector<Process> Serving() const {
    return FindProcesses((folder_ / "bin/bridge").native() + '\0' + "--serve-runs");
  }
  [[nodiscard]] std::string LastInput(const std::string& command) const {
    return ReadFile(folder_ / ("bin/last-" + command)).value_or("");
  }
};

TEST_F(CriNetworkTest, SaysInStatusWhyThePluginIsNotReady) {
  folder_.Fill({{"bin/unready", ""}, {"cni/10.conflist", kNewerConfig}});
  const v1::RuntimeCondition condition = AwaitNetwork(false);
  EXPECT_EQ(condition.reason(), "NetworkPluginNotReady");
  EXPECT_THAT(condition.message(), HasSubstr("no uplink"));
  std::filesystem::remove(folder_ / "bin/unready");
  EXPECT_TRUE(AwaitNetwork(true).status());
}

TEST_F(CriNetworkTest, DeletesWithTheConfigurationOfAddAfterTheListChangedAndARestart) {
  folder_.Fill({{"cni/10.conflist", kNewerConfig}});
  v1::PodSandboxConfig config = PodConfig("pod");
  (*config.mutable_annotations())["kubernetes.io/ingress-bandwidth"] = "2M";
  ASSERT_THAT(SetPodCidr("10.9.0.0/24"), IsRpcOk());
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_THAT(LastInput("ADD"), HasSubstr(R"("ingressRate":2000000)"));
  EXPECT_THAT(LastInput("ADD"), HasSubstr(R"("ipRanges":[[{"subnet":"10.9.0.0/24"}]])"));
  EXPECT_THAT(LastInput("ADD"), Not(HasSubstr("aliases")));

  folder_.Fill({{"cni/10.conflist", R"({"cniVersion": "1.0.0", "name": "other", "plugins": [
      {"type": "absent"}]})"}});
  ASSERT_THAT(SetPodCidr("10.8.0.0/24"), IsRpcOk());
  daemon_->Kill();
  StartDaemon();
  ASSERT_THAT(StopPod(pod), IsRpcOk());
  EXPECT_THAT(LastInput("DEL"), HasSubstr(R"("name":"test")"));
  EXPECT_THAT(LastInput("DEL"), HasSubstr(R"("ipRanges":[[{"subnet":"10.9.0.0/24"}]])"));
  EXPECT_THAT(LastInput("DEL"), HasSubstr("prevResult"));
}

// What a plugin makes takes the defaults of the namespace: a device has them from its birth.
TEST_F(CriNetworkTest, SetsTheSysctlsOfTheNetworkBeforeThePluginsCome) {
  folder_.Fill({{"bin/script", R"(#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
nsenter --net="$CNI_NETNS" cat /proc/sys/net/ipv4/conf/default/arp_ignore > "${0%/*}/last-ADD"
echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.9.0.2/24"}]}'
)"}});
  v1::PodSandboxConfig config = PodConfig("pod");
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_EQ(LastInput("ADD"), "0\n");
  ASSERT_THAT(RemovePod(pod), IsRpcOk());

  (*config.mutable_linux()->mutable_sysctls())["net.ipv4.conf.default.arp_ignore"] = "2";
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_EQ(LastInput("ADD"), "2\n");
}

TEST_F(CriNetworkTest, CollectsGarbageAndChecksItsPodsAtTheStart) {
  folder_.Fill({{"cni/10.conflist", kNewerConfig}});
  const std::string pod = MustRunPod("pod");
  const std::string stopped = MustRunPod("stopped");
  ASSERT_THAT(StopPod(stopped), IsRpcOk());
  std::filesystem::remove(folder_ / "bin/last-GC");  // of the first start
  daemon_->Kill();
  StartDaemon();
  for (int i = 0; i < 1000 && LastInput("CHECK").empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(LastInput("CHECK"), HasSubstr("prevResult"));
  EXPECT_THAT(LastInput("GC"), HasSubstr(R"("containerID":")" + pod));
  EXPECT_THAT(LastInput("GC"), Not(HasSubstr(stopped)));
}

TEST_F(CriNetworkTest, RefusesAPodCidrThatIsNone) {
  EXPECT_THAT(SetPodCidr("10.9.0.1/24"), RpcFailsWith(grpc::INVALID_ARGUMENT, "pod_cidr"));
}

TEST_F(CriNetworkTest, RefusesABandwidthThatIsNoneBeforeAnythingIsMade) {
  v1::PodSandboxConfig config = PodConfig("pod");
  (*config.mutable_annotations())["kubernetes.io/egress-bandwidth"] = "much";
  std::string pod;
  EXPECT_THAT(RunPod(config, &pod), RpcFailsWith(grpc::INVALID_ARGUMENT, "egress-bandwidth"));
  EXPECT_THAT(CniCalls(), Not(HasSubstr("ADD")));
}

TEST_F(CriNetworkTest, IsReadyWithTheRealPluginAndFreesWhatNoRecordNames) {
  UseRealNetwork();
  EXPECT_TRUE(AwaitNetwork(true).status()) << NetworkCondition().message();
  const std::string pod = MustRunPod("pod");
  // As if a crash had lost the record of another pod: an address that nobody will give back.
  const std::filesystem::path store = folder_ / "bin/cni/networks/test";
  const std::string ip = PodStatusOf(pod).network().ip();
  ASSERT_TRUE(std::filesystem::exists(store / ip));
  std::ofstream(store / "10.9.0.77") << std::string(64, 'e') << "\r\neth0";
  daemon_->Kill();
  StartDaemon();
  for (int i = 0; i < 1000 && std::filesystem::exists(store / "10.9.0.77"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(std::filesystem::exists(store / "10.9.0.77"));
  EXPECT_TRUE(std::filesystem::exists(store / ip));
}

// As a package has it: the program, and links to it by the names of the plugins.
TEST_F(CriNetworkTest, KeepsItsOwnPluginLoadedFromPodToPodButNotWithoutTheDaemon) {
  UseRealNetwork();
  std::filesystem::rename(folder_ / "bin/bridge", folder_ / "bin/trivet-cni");
  std::filesystem::create_symlink("trivet-cni", folder_ / "bin/bridge");
  MustRunPod("first");
  ASSERT_THAT(Serving(), SizeIs(1));
  const pid_t server = Serving().front().pid;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it is asked for the next pod, too
  EXPECT_NE(PodStatusOf(MustRunPod("second")).network().ip(), "");
  ASSERT_THAT(Serving(), SizeIs(1));
  EXPECT_EQ(Serving().front().pid, server);

  daemon_->Kill();
  EXPECT_TRUE(Eventually([&] { return Serving().empty(); }));
  StartDaemon();
  RemoveAllPods();
  EXPECT_THAT(Serving(), SizeIs(1));
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_THAT(Serving(), IsEmpty());
  StartDaemon();
}

}  // namespace
}  // namespace trivet::testing
