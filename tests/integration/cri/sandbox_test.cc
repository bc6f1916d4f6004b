#include <future>
#include <thread>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(CriTest, RunsAPodAndSaysWhatItIs) {
  v1::PodSandboxConfig config = PodConfig("pod");
  (*config.mutable_labels())["app"] = "web";
  std::string id;
  ASSERT_THAT(RunPod(config, &id), IsRpcOk());
  const v1::PodSandboxStatus status = PodStatusOf(id);
  EXPECT_EQ(status.state(), v1::SANDBOX_READY);
  EXPECT_EQ(status.network().ip(), "10.9.0.2");
  EXPECT_EQ(status.labels().at("app"), "web");
  EXPECT_GT(status.created_at(), 0);
}

TEST_F(CriTest, GivesARetryOfRunPodSandboxTheSamePod) {
  const std::string first = MustRunPod("pod");
  EXPECT_EQ(MustRunPod("pod"), first);
}

TEST_F(CriTest, LetsARetryJoinTheRunPodSandboxThatStillRuns) {
  folder_.Fill({{"bin/slow", ""}});
  const auto run = [this] { return MustRunPod("pod"); };
  auto one = std::async(std::launch::async, run);
  auto two = std::async(std::launch::async, run);
  while (CniCalls().find("ADD") == std::string::npos) std::this_thread::yield();
  EXPECT_EQ(two.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  std::filesystem::remove(folder_ / "bin/slow");
  EXPECT_EQ(one.get(), two.get());
  EXPECT_EQ(CniCalls().find("ADD"), CniCalls().rfind("ADD"));
}

TEST_F(CriTest, UndoesAPodWhoseNetworkFails) {
  folder_.Fill({{"bin/broken", ""}});
  std::string id;
  EXPECT_THAT(RunPod(PodConfig("pod"), &id), RpcFailsWith(grpc::INTERNAL, "no address is left"));
  EXPECT_THAT(CniCalls(), HasSubstr("DEL"));
  std::filesystem::remove(folder_ / "bin/broken");
}

TEST_F(CriTest, FailsWithoutANetworkConfigurationAndSaysSoInStatus) {
  std::filesystem::remove(folder_ / "cni/10.conflist");
  std::string id;
  EXPECT_THAT(RunPod(PodConfig("pod"), &id),
              RpcFailsWith(grpc::NOT_FOUND, "no network configuration"));
  v1::StatusResponse status;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().Status(&context, {}, &status), IsRpcOk());
  EXPECT_FALSE(status.status().conditions(1).status());
  EXPECT_EQ(status.runtime_handlers(0).name(), "");
}

TEST_F(CriTest, StartsTheShimThatAPackageHasPutInPlaceMeanwhile) {
  const std::filesystem::path old_shim = folder_ / "trivet-shim";
  const std::filesystem::path new_shim = folder_ / "trivet-shim.new";
  std::filesystem::copy_file(std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-shim",
                             old_shim);
  std::filesystem::copy_file(old_shim, new_shim);
  daemon_->Kill();
  folders_.shim = old_shim;
  StartDaemon();
  RememberWhatIsThere();
  const auto runs = [&](const std::string& pod, const std::filesystem::path& program) {
    const std::string shim = *ReadFile(folders_.run / "shims" / pod / "pid");
    const std::string exe = "/proc/" + std::to_string(std::stoi(shim)) + "/exe";
    return std::filesystem::equivalent(exe, program);
  };
  EXPECT_TRUE(runs(MustRunPod("before"), old_shim));
  std::filesystem::rename(new_shim, old_shim);
  EXPECT_TRUE(runs(MustRunPod("after"), old_shim));
}

TEST_F(CriTest, StopsAPodTwiceAndKeepsItsStatus) {
  const std::string id = MustRunPod("pod");
  EXPECT_THAT(StopPod(id), IsRpcOk());
  EXPECT_THAT(StopPod(id), IsRpcOk());
  EXPECT_EQ(PodStatusOf(id).state(), v1::SANDBOX_NOTREADY);
  EXPECT_EQ(CniCalls().find("DEL"), CniCalls().rfind("DEL"));
}

TEST_F(CriTest, SucceedsForUnknownIdsWhereTheCriSaysSo) {
  const std::string unknown(64, 'f');
  EXPECT_THAT(StopPod(unknown), IsRpcOk());
  EXPECT_THAT(RemovePod(unknown), IsRpcOk());
  EXPECT_THAT(Stop(unknown, 1), IsRpcOk());
  EXPECT_THAT(Remove(unknown), IsRpcOk());
  EXPECT_THAT(Start(unknown), RpcFailsWith(grpc::NOT_FOUND, unknown));
}

TEST_F(CriTest, RemovesAPodWithItsRunningContainers) {
  const std::string pod = MustRunPod("pod");
  MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(RemovePod(pod), IsRpcOk());
  v1::ListContainersResponse containers;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().ListContainers(&context, {}, &containers), IsRpcOk());
  EXPECT_THAT(containers.containers(), IsEmpty());
}

TEST_F(CriTest, RunsAPodOnTheNodesNetworkWithoutCni) {
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      v1::NODE);
  std::string id;
  ASSERT_THAT(RunPod(config, &id), IsRpcOk());
  EXPECT_THAT(CniCalls(), IsEmpty());
  v1::ContainerConfig container = ShellConfig("c", "sleep 1000");
  container.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      v1::NODE);
  EXPECT_EQ(MustExec(MustStart(id, container), "readlink /proc/self/ns/net"),
            std::filesystem::read_symlink("/proc/self/ns/net"));
}

TEST_F(CriTest, ConnectsAPodByTheRealPlugin) {
  UseRealNetwork();
  const std::string pod = MustRunPod("pod");
  const std::string ip = PodStatusOf(pod).network().ip();
  EXPECT_THAT(ip, HasSubstr("10.9.0."));
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(MustExec(id, "ip addr show eth0"), HasSubstr("inet " + ip + "/24"));
  EXPECT_THAT(MustExec(id, "cat /etc/hosts"), HasSubstr(ip + "\tpod"));
}

TEST_F(CriTest, SetsTheSysctlsOfThePodsNamespaces) {
  v1::PodSandboxConfig config = PodConfig("pod");
  (*config.mutable_linux()->mutable_sysctls())["kernel.shm_rmid_forced"] = "1";
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(MustExec(id, "cat /proc/sys/kernel/shm_rmid_forced"), "1");
}

TEST_F(CriTest, PutsThePodIntoTheCgroupThatTheRequestNames) {
  const std::string parent = folders_.cgroup_parent + "/kubepods";
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->set_cgroup_parent(parent);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(*ReadFile("/proc/self/cgroup"), Not(HasSubstr(id)));
  const auto cgroups = std::move(*Cgroups::Open());
  EXPECT_THAT(*cgroups->Processes(parent + "/" + id), Not(IsEmpty()));
  ASSERT_THAT(RemovePod(pod), IsRpcOk());
  // The kubelet's group is the kubelet's to remove.
  EXPECT_TRUE(cgroups->ReadStats(parent).has_value());
  EXPECT_TRUE(cgroups->Remove(parent).has_value());
}

// The kubelet has made it before, and may remove it when the pod has no container left.
TEST_F(CriTest, MakesTheGroupThatTheRequestNamesWithTheFirstContainer) {
  const auto cgroups = std::move(*Cgroups::Open());
  const std::string parent = folders_.cgroup_parent + "/kubepods";
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->set_cgroup_parent(parent);
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      v1::CONTAINER);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_FALSE(cgroups->ReadStats(parent).has_value());
  v1::ContainerConfig container = ShellConfig("c", "sleep 1000");
  *container.mutable_linux()->mutable_security_context()->mutable_namespace_options() =
      config.linux().security_context().namespace_options();
  MustStart(pod, container);
  EXPECT_TRUE(cgroups->ReadStats(parent).has_value());
  ASSERT_THAT(RemovePod(pod), IsRpcOk());
  EXPECT_TRUE(cgroups->Remove(parent).has_value());
}

TEST_F(CriTest, MakesAGroupForTheReaperOnlyWhereThereIsOne) {
  const auto cgroups = std::move(*Cgroups::Open());
  for (const auto mode : {v1::POD, v1::CONTAINER}) {
    v1::PodSandboxConfig config = PodConfig(v1::NamespaceMode_Name(mode));
    config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(mode);
    std::string pod;
    ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
    const std::string group = folders_.cgroup_parent + "/" + pod;
    EXPECT_TRUE(cgroups->ReadStats(group).has_value());
    EXPECT_EQ(cgroups->ReadStats(group + "/" + pod).has_value(), mode == v1::POD);
    ASSERT_THAT(RemovePod(pod), IsRpcOk());
    EXPECT_FALSE(cgroups->ReadStats(group).has_value());
  }
}

}  // namespace
}  // namespace trivet::testing
