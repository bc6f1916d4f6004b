#include <algorithm>
#include <cstdlib>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kRoot = "/sys/fs/cgroup";

// On a node whose systemd has cgroup v2. Its bus and its programs are reached in its own mount
// namespace.
class SystemdTest : public CriTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/run/systemd/system") ||
        !std::filesystem::exists(kRoot / "cgroup.controllers")) {
      GTEST_SKIP() << "this node has no systemd with cgroup v2";
    }
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/proc/1/root/run/dbus/system_bus_socket", 1);
    CriTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::string mark = folder_.path().filename().native();
    std::ranges::replace(mark, '-', '_');
    slice_ = mark + ".slice";
    daemon_->Kill();
    folders_.cgroup_parent = slice_;
    folders_.config = R"({"cgroupDriver": "systemd"})";
    StartDaemon();
    RememberWhatIsThere();
  }
  void TearDown() override {
    CriTest::TearDown();
    if (slice_.empty()) return;
    EXPECT_THAT(Systemctl({"list-units", "--all", "--plain", "--no-legend", "cri-trivet-*"}),
                IsEmpty());
    Systemctl({"stop", slice_});
    EXPECT_FALSE(std::filesystem::exists(kRoot / slice_));
  }
  std::string Systemctl(std::vector<std::string> args) {
    args.insert(args.begin(), {"-t", "1", "-m", "--", "systemctl"});
    const auto output = RunCommand({.program = "/usr/bin/nsenter", .args = args});
    if (!output) return output.error().message();
    return output->out + output->err;
  }
  std::string Scope(const std::string& id) const { return "cri-trivet-" + id + ".scope"; }
  std::filesystem::path PodFolder(const std::string& pod) const {
    return kRoot / slice_ / (slice_.substr(0, slice_.rfind('.')) + "-pod" + pod + ".slice");
  }
  std::string Content(const std::filesystem::path& file) {
    const auto text = ReadFile(file);
    return text ? *text : text.error().message();
  }
  int64_t CountProcesses(const std::filesystem::path& folder) {
    return std::ranges::count(Content(folder / "cgroup.procs"), '\n');
  }
  std::string slice_;
};

TEST_F(SystemdTest, IsTheDriverThatTheKubeletIsTold) {
  v1::RuntimeConfigResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().RuntimeConfig(&context, {}, &response), IsRpcOk());
  EXPECT_EQ(response.linux().cgroup_driver(), v1::SYSTEMD);
}

TEST_F(SystemdTest, RunsAContainerInADelegatedScopeOfItsPodsSlice) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* resources = config.mutable_linux()->mutable_resources();
  resources->set_memory_limit_in_bytes(64 << 20);
  resources->set_cpu_period(100000);
  resources->set_cpu_quota(50000);
  resources->set_cpu_shares(1024);
  const std::string id = MustStart(pod, config);
  const auto folder = PodFolder(pod) / Scope(id);
  EXPECT_EQ(Content(folder / "memory.max"), "67108864\n");
  EXPECT_EQ(Content(folder / "cpu.max"), "50000 100000\n");
  EXPECT_GE(CountProcesses(folder), 1);
  EXPECT_EQ(CountProcesses(folder / "trivet-scope"), 1);
  EXPECT_THAT(
      Systemctl({"show", "-p", "Delegate,MemoryMax,CPUWeight,CPUQuotaPerSecUSec", Scope(id)}),
      AllOf(HasSubstr("Delegate=yes"), HasSubstr("MemoryMax=67108864"), HasSubstr("CPUWeight=100"),
            HasSubstr("CPUQuotaPerSecUSec=500ms")));
}

// As systemd and container runtimes do, which run in privileged containers.
TEST_F(SystemdTest, LetsAContainerGiveControllersToGroupsOfItsOwn) {
  v1::PodSandboxConfig pod = PodConfig("pod");
  pod.mutable_linux()->mutable_security_context()->set_privileged(true);
  std::string pod_id;
  ASSERT_THAT(RunPod(pod, &pod_id), IsRpcOk());
  v1::ContainerConfig config =
      ShellConfig("c",
                  "cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup) && mkdir init && echo 0 "
                  ">init/cgroup.procs && "
                  "echo +pids >cgroup.subtree_control && echo made; exec sleep 1000");
  config.mutable_linux()->mutable_security_context()->set_privileged(true);
  const std::string id = MustStart(pod_id, config);
  AwaitLog(id, "made");
  EXPECT_THAT(MustExec(id, "cat /proc/self/cgroup"), EndsWith(id + ".scope/init"));
}

TEST_F(SystemdTest, KeepsChangedLimitsWhenSystemdIsReloaded) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  v1::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  request.mutable_linux()->set_memory_limit_in_bytes(48 << 20);
  (*request.mutable_linux()->mutable_unified())["memory.high"] = "41943040";
  {
    v1::UpdateContainerResourcesResponse response;
    grpc::ClientContext context;
    ASSERT_THAT(daemon_->runtime().UpdateContainerResources(&context, request, &response),
                IsRpcOk());
  }
  Systemctl({"daemon-reload"});
  const auto folder = PodFolder(pod) / Scope(id);
  EXPECT_EQ(Content(folder / "memory.max"), "50331648\n");
  EXPECT_EQ(Content(folder / "memory.high"), "41943040\n");
  EXPECT_THAT(Systemctl({"show", "-p", "MemoryMax", Scope(id)}), HasSubstr("=50331648"));
}

TEST_F(SystemdTest, MakesTheSliceAloneForAPodWithoutAReaper) {
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      v1::CONTAINER);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  EXPECT_TRUE(std::filesystem::exists(PodFolder(pod)));
  EXPECT_FALSE(std::filesystem::exists(PodFolder(pod) / Scope(pod)));
  v1::ContainerConfig container = ShellConfig("c", "sleep 1000");
  container.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      v1::CONTAINER);
  const std::string id = MustStart(pod, container);
  EXPECT_TRUE(std::filesystem::exists(PodFolder(pod) / Scope(id)));
  ASSERT_THAT(RemovePod(pod), IsRpcOk());
  EXPECT_FALSE(std::filesystem::exists(PodFolder(pod)));
}

TEST_F(SystemdTest, LimitsAPodByItsSlice) {
  const std::string pod = MustRunPod("pod");
  v1::UpdatePodSandboxResourcesRequest request;
  request.set_pod_sandbox_id(pod);
  request.mutable_resources()->set_memory_limit_in_bytes(96 << 20);
  {
    v1::UpdatePodSandboxResourcesResponse response;
    grpc::ClientContext context;
    ASSERT_THAT(daemon_->runtime().UpdatePodSandboxResources(&context, request, &response),
                IsRpcOk());
  }
  EXPECT_EQ(Content(PodFolder(pod) / "memory.max"), "100663296\n");
}

// systemd takes a scope away with its last process: the count of kills must be read before.
TEST_F(SystemdTest, SaysThatAContainerWasKilledForLackOfMemory) {
  v1::ContainerConfig config = ShellConfig("c", "x=a; while true; do x=$x$x; done");
  auto* resources = config.mutable_linux()->mutable_resources();
  resources->set_memory_limit_in_bytes(15 << 20);
  resources->set_memory_swap_limit_in_bytes(15 << 20);
  (*resources->mutable_unified())["memory.oom.group"] = "1";
  const std::string id = MustStart(MustRunPod("pod"), config);
  const v1::ContainerStatus status = AwaitEnd(id);
  EXPECT_EQ(status.exit_code(), 137);
  EXPECT_EQ(status.reason(), "OOMKilled");
}

TEST_F(SystemdTest, StartsAContainerThatAnEarlierDaemonMade) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, ShellConfig("c", "sleep 1000"));
  RestartWith(folders_.config);
  ASSERT_THAT(Start(id), IsRpcOk());
  EXPECT_EQ(MustExec(id, "echo runs"), "runs");
  EXPECT_GE(CountProcesses(PodFolder(pod) / Scope(id)), 1);
}

TEST_F(SystemdTest, PutsThePodIntoTheKubeletsSliceAndIntoNothingElse) {
  const std::string parent = slice_.substr(0, slice_.rfind('.')) + "-burstable.slice";
  v1::PodSandboxConfig config = PodConfig("pod");
  config.mutable_linux()->set_cgroup_parent("/" + slice_ + "/" + parent);
  std::string pod;
  ASSERT_THAT(RunPod(config, &pod), IsRpcOk());
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_TRUE(std::filesystem::exists(kRoot / slice_ / parent / Scope(id)));
  ASSERT_THAT(RemovePod(pod), IsRpcOk());
  EXPECT_TRUE(std::filesystem::exists(kRoot / slice_ / parent));
  config.mutable_linux()->set_cgroup_parent("/kubepods/pod1");
  EXPECT_THAT(RunPod(config, &pod), RpcFailsWith(grpc::INVALID_ARGUMENT, "is no slice"));
}

}  // namespace
}  // namespace trivet::testing
