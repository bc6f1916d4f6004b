#include <sys/stat.h>

#include <csignal>

#include "tests/integration/cri/spare_fixture.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SpareTest, IsNotThereBeforeTheFirstPodAndHasNothingOnDisk) {
  EXPECT_THAT(FindChildren(daemon_->pid(), "--wait"), IsEmpty());
  MustRunPod("first");
  EXPECT_FALSE(IsOnDisk(AwaitSpare().id));
}

TEST_F(SpareTest, BecomesTheNextPodWhichWorksWholly) {
  UseRealNetwork();
  const std::string first = MustRunPod("first");
  const std::string in_first = MustStartSleeper(first);
  const SpareSandbox spare = AwaitSpare();
  const std::string pod = MustRunPod("second");
  EXPECT_EQ(pod, spare.id);
  EXPECT_EQ(ShimOf(pod), spare.shim);

  const std::string id = MustStartSleeper(pod);
  EXPECT_EQ(MustExec(id, "hostname"), "second");
  EXPECT_EQ(MustExec(id, "cat /sys/class/net/lo/flags"), "0x9");  // up
  EXPECT_THAT(MustExec(id, "ip addr show eth0"),
              HasSubstr("inet " + PodStatusOf(pod).network().ip() + "/24"));
  EXPECT_NE(PodStatusOf(pod).network().ip(), PodStatusOf(first).network().ip());
  for (const std::string kind : {"net", "ipc", "uts"}) {
    const std::string space = "readlink /proc/self/ns/" + kind;
    EXPECT_NE(MustExec(id, space), MustExec(in_first, space));
  }
  EXPECT_EQ(MustExec(id, "ping -c 1 -W 5 " + PodStatusOf(first).network().ip() + " >&2; echo $?"),
            "0");

  EXPECT_THAT(Stop(id, 0), IsRpcOk());
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_THAT(StopPod(pod), IsRpcOk());
  EXPECT_FALSE(Runs(spare.shim));
  EXPECT_THAT(RemovePod(pod), IsRpcOk());
  EXPECT_FALSE(IsOnDisk(pod));
}

TEST_F(SpareTest, IsAnotherOneForEachPod) {
  std::vector<std::string> pods = {MustRunPod("0")};
  for (int i = 1; i < 4; ++i) {
    const SpareSandbox spare = AwaitSpare();
    pods.push_back(MustRunPod(std::to_string(i)));
    EXPECT_EQ(pods.back(), spare.id);
  }
  for (const std::string& pod : pods) EXPECT_EQ(PodStatusOf(pod).state(), v1::SANDBOX_READY);
}

TEST_F(SpareTest, IsReplacedWhenItsShimWasKilled) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  ASSERT_EQ(::kill(spare.shim, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return !Runs(spare.shim); }));
  const std::string pod = MustRunPod("second");
  EXPECT_NE(ShimOf(pod), spare.shim);
  EXPECT_EQ(MustExec(MustStartSleeper(pod), "hostname"), "second");
}

TEST_F(SpareTest, IsFreedWithAPodThatFails) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  folder_.Fill({{"bin/broken", ""}});
  std::string id;
  EXPECT_THAT(RunPod(PodConfig("second"), &id), RpcFailsWith(grpc::INTERNAL, "no address is left"));
  std::filesystem::remove(folder_ / "bin/broken");
  EXPECT_TRUE(Eventually([&] { return !Runs(spare.shim) && !IsOnDisk(spare.id); }));
}

TEST_F(SpareTest, IsLeftByAPodThatIsRefused) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  v1::PodSandboxConfig config = PodConfig("second");
  std::filesystem::rename(folder_ / "cni/10.conflist", folder_ / "cni/10.none");
  std::string id;
  EXPECT_THAT(RunPod(config, &id), RpcFailsWith(grpc::NOT_FOUND, "no network configuration"));
  std::filesystem::rename(folder_ / "cni/10.none", folder_ / "cni/10.conflist");
  EXPECT_EQ(MustRun(config), spare.id);
  EXPECT_EQ(PodStatusOf(spare.id).state(), v1::SANDBOX_READY);
}

TEST_F(SpareTest, EndsWithADaemonThatIsKilled) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  daemon_->Kill();
  EXPECT_TRUE(Eventually([&] { return !Runs(spare.shim); }));
  EXPECT_FALSE(IsOnDisk(spare.id));
  StartDaemon();
  EXPECT_FALSE(IsOnDisk(spare.id));
  EXPECT_FALSE(FindSpare().has_value());
  const std::string pod = MustRunPod("second");
  EXPECT_NE(pod, spare.id);
  EXPECT_EQ(MustExec(MustStartSleeper(pod), "hostname"), "second");
}

TEST_F(SpareTest, EndsWithADaemonThatStops) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_FALSE(Runs(spare.shim));
  EXPECT_FALSE(IsOnDisk(spare.id));
  StartDaemon();
}

TEST_F(SpareTest, IsNotForThePodOnTheNodesNetwork) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  v1::PodSandboxConfig config = PodConfig("second");
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      v1::NODE);
  ExpectUntaken(spare, MustRun(config));
}

TEST_F(SpareTest, IsNotForThePodWithAUserNamespace) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  v1::PodSandboxConfig config = PodConfig("second");
  auto* user = config.mutable_linux()
                   ->mutable_security_context()
                   ->mutable_namespace_options()
                   ->mutable_userns_options();
  user->set_mode(v1::POD);
  for (v1::IDMapping* mapping : {user->add_uids(), user->add_gids()}) {
    mapping->set_host_id(200000);
    mapping->set_length(65536);
  }
  ExpectUntaken(spare, MustRun(config));
}

TEST_F(SpareTest, IsNotForThePodWithSysctlsOfItsNetwork) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  v1::PodSandboxConfig config = PodConfig("second");
  (*config.mutable_linux()->mutable_sysctls())["net.ipv4.ip_unprivileged_port_start"] = "77";
  const std::string pod = MustRun(config);
  ExpectUntaken(spare, pod);
  EXPECT_EQ(MustExec(MustStartSleeper(pod), "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"),
            "77");
}

// Its other sysctls are set by the shim.
TEST_F(SpareTest, IsForThePodWithSysctlsOfItsIpcNamespace) {
  MustRunPod("first");
  const SpareSandbox spare = AwaitSpare();
  v1::PodSandboxConfig config = PodConfig("second");
  (*config.mutable_linux()->mutable_sysctls())["kernel.shm_rmid_forced"] = "1";
  const std::string pod = MustRun(config);
  EXPECT_EQ(pod, spare.id);
  EXPECT_EQ(MustExec(MustStartSleeper(pod), "cat /proc/sys/kernel/shm_rmid_forced"), "1");
}

}  // namespace
}  // namespace trivet::testing
