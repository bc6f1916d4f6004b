#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <regex>
#include <thread>

#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST_F(CriTest, RunsAContainerFromItsCreationToItsRemoval) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, ShellConfig("c", "exit 3"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_CREATED);
  EXPECT_THAT(Start(id), IsRpcOk());
  const v1::ContainerStatus status = AwaitEnd(id);
  EXPECT_EQ(status.exit_code(), 3);
  EXPECT_EQ(status.reason(), "Error");
  EXPECT_EQ(status.image_id(), image_id_);
  EXPECT_LE(status.created_at(), status.started_at());
  EXPECT_LE(status.started_at(), status.finished_at());
  EXPECT_THAT(Remove(id), IsRpcOk());
  EXPECT_THAT(Remove(id), IsRpcOk());
}

TEST_F(CriTest, WritesTheLogInTheFormOfTheCri) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustStart(pod, ShellConfig("c", "echo out; echo err >&2"));
  AwaitEnd(id);
  const std::string log = *ReadFile(StatusOf(id).log_path());
  const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+) ";
  EXPECT_TRUE(std::regex_search(log, std::regex(time + "stdout F out\n"))) << log;
  EXPECT_TRUE(std::regex_search(log, std::regex(time + "stderr F err\n"))) << log;
}

TEST_F(CriTest, WritesToANewLogAfterReopen) {
  const std::string pod = MustRunPod("pod");
  const std::string id =
      MustStart(pod, ShellConfig("c", "while true; do echo tick; sleep 0.05; done"));
  const std::filesystem::path log = StatusOf(id).log_path();
  std::filesystem::rename(log, log.native() + ".1");
  v1::ReopenContainerLogRequest request;
  request.set_container_id(id);
  v1::ReopenContainerLogResponse response;
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().ReopenContainerLog(&context, request, &response), IsRpcOk());
  EXPECT_TRUE(std::filesystem::exists(log));
}

TEST_F(CriTest, ExecutesAProgramAndReturnsItsStreamsAndExitCode) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ExecSyncResponse response;
  ASSERT_THAT(Exec(id, {"/bin/sh", "-c", "echo out; echo err >&2; exit 7"}, &response), IsRpcOk());
  EXPECT_EQ(response.stdout(), "out\n");
  EXPECT_EQ(response.stderr(), "err\n");
  EXPECT_EQ(response.exit_code(), 7);
}

// The node's would be of a mount that the container has not.
TEST_F(CriTest, TheEmptyInputIsTheContainersOwnNullDevice) {
  const std::string compare = "stat -L -c %d:%i /proc/self/fd/0 /dev/null | uniq | wc -l";
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", compare + "; sleep 1000"));
  AwaitLog(id, "stdout F 1\n");
  EXPECT_EQ(MustExec(id, compare), "1");
}

// For which the shim has made file systems ahead.
TEST_F(CriTest, TheFirstContainerOfAPodHasTheSameMountsAndDevicesAsTheOthers) {
  const std::string script =
      "cut -d' ' -f4-6,8- /proc/self/mountinfo | grep -Ev 'overlay|cgroup' | sort; "
      "stat -c '%n %A %u:%g %t:%T' /dev /dev/* /dev/pts /sys";
  for (const bool privileged : {false, true}) {
    v1::PodSandboxConfig pod_config = PodConfig(privileged ? "privileged" : "pod");
    pod_config.mutable_linux()->mutable_security_context()->set_privileged(privileged);
    std::string pod;
    ASSERT_THAT(RunPod(pod_config, &pod), IsRpcOk());
    std::vector<std::string> seen;
    for (const char* name : {"first", "second", "third"}) {
      ::usleep(50'000);  // the shim has nothing else to do
      v1::ContainerConfig config = ShellConfig(name, "sleep 1000");
      config.mutable_linux()->mutable_security_context()->set_privileged(privileged);
      seen.push_back(MustExec(MustStart(pod, config), script));
    }
    EXPECT_THAT(seen[0], HasSubstr("/dev/pts"));
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(seen[2], seen[1]);
  }
}

// The accounts of an image are read once.
TEST_F(CriTest, EachContainerOfAnImageHasTheUserThatTheImageNames) {
  const std::string pod = MustRunPod("pod");
  for (const char* name : {"first", "second"}) {
    v1::ContainerConfig config = ShellConfig(name, "sleep 1000");
    config.mutable_linux()->mutable_security_context()->set_run_as_username("nobody");
    EXPECT_EQ(MustExec(MustStart(pod, config), "id -un"), "nobody");
    config.mutable_metadata()->set_attempt(1);
    config.mutable_linux()->mutable_security_context()->set_run_as_username("somebody");
    std::string id;
    EXPECT_FALSE(Create(pod, config, &id).ok());
  }
}

TEST_F(CriTest, APipeInPlaceOfTheNullDeviceStopsNobody) {
  std::filesystem::create_directory(LogFolder() / "dev");
  ASSERT_EQ(::mkfifo((LogFolder() / "dev/null").c_str(), 0600), 0);
  v1::ContainerConfig config = ShellConfig("c", "echo ready; sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_host_path(LogFolder() / "dev");
  mount->set_container_path("/dev");
  const std::string id = MustStart(MustRunPod("pod"), config);
  AwaitLog(id, "ready");
  EXPECT_EQ(MustExec(id, "echo 1"), "1");
}

TEST_F(CriTest, CutsTheOutputOfAnExecAtWhatTheKubeletTakes) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ExecSyncResponse response;
  const std::string script = "head -c 9000000 /dev/zero; head -c 9000000 /dev/zero >&2";
  ASSERT_THAT(Exec(id, {"/bin/sh", "-c", script}, &response, 60), IsRpcOk());
  EXPECT_EQ(response.stdout().size() + response.stderr().size(), (size_t{16} << 20) - 4096);
}

TEST_F(CriTest, KillsAnExecAtItsDeadline) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ExecSyncResponse response;
  EXPECT_THAT(Exec(id, {"/bin/sh", "-c", "sleep 4711"}, &response, 1),
              RpcFailsWith(grpc::DEADLINE_EXCEEDED, "no end within 1 s"));
  EXPECT_EQ(MustExec(id, "grep -l '[4]711' /proc/[0-9]*/cmdline | wc -l"), "0");
}

TEST_F(CriTest, SaysWhyAProgramCouldNotBeExecuted) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ExecSyncResponse response;
  EXPECT_THAT(Exec(id, {"/bin/nope"}, &response), RpcFailsWith(grpc::NOT_FOUND, "/bin/nope"));
}

TEST_F(CriTest, EndsAContainerThatCannotStartWithTheReason) {
  v1::ContainerConfig config = ShellConfig("c", "");
  config.clear_command();
  config.add_command("/bin/nope");
  const std::string id = MustCreate(MustRunPod("pod"), config);
  EXPECT_THAT(Start(id), RpcFailsWith(grpc::NOT_FOUND, "/bin/nope"));
  const v1::ContainerStatus status = StatusOf(id);
  EXPECT_EQ(status.state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(status.exit_code(), 128);
  EXPECT_EQ(status.reason(), "StartError");
  EXPECT_THAT(status.message(), HasSubstr("/bin/nope"));
}

TEST_F(CriTest, StopsAContainerBySignalAndKillsOneThatIgnoresIt) {
  const std::string pod = MustRunPod("pod");
  const std::string polite = MustStart(pod, ShellConfig("polite",
                                                        "trap 'exit 5' TERM; echo set; "
                                                        "while true; do sleep 0.05; done"));
  const std::string deaf = MustStart(
      pod, ShellConfig("deaf", "trap '' TERM; echo set; while true; do sleep 0.05; done"));
  AwaitLog(polite, "set");
  AwaitLog(deaf, "set");
  EXPECT_THAT(Stop(polite, 20), IsRpcOk());
  EXPECT_EQ(StatusOf(polite).exit_code(), 5);
  EXPECT_THAT(Stop(deaf, 1), IsRpcOk());
  EXPECT_EQ(StatusOf(deaf).exit_code(), 137);
  EXPECT_THAT(Stop(deaf, 1), IsRpcOk());
}

// The kubelet calls again when it was restarted meanwhile.
TEST_F(CriTest, AsksAContainerToStopOnlyOnceHoweverOftenItIsCalled) {
  const std::string id = MustStart(
      MustRunPod("pod"), ShellConfig("c",
                                     "n=0; trap 'n=$((n+1)); echo asked $n' TERM; echo set; "
                                     "while true; do sleep 0.05; done"));
  AwaitLog(id, "set");
  std::thread first([&] { EXPECT_THAT(Stop(id, 60), IsRpcOk()); });
  AwaitLog(id, "asked 1");
  EXPECT_THAT(Stop(id, 1), IsRpcOk());
  first.join();
  EXPECT_EQ(StatusOf(id).exit_code(), 137);
  EXPECT_THAT(*ReadFile(StatusOf(id).log_path()), Not(HasSubstr("asked 2")));
}

TEST_F(CriTest, StopsAContainerByTheSignalThatTheRequestNames) {
  v1::ContainerConfig config =
      ShellConfig("c", "trap 'exit 9' USR1; echo set; while true; do sleep 0.05; done");
  config.set_stop_signal(v1::SIGNAL_SIGUSR1);
  const std::string id = MustStart(MustRunPod("pod"), config);
  AwaitLog(id, "set");
  EXPECT_THAT(Stop(id, 20), IsRpcOk());
  EXPECT_EQ(StatusOf(id).exit_code(), 9);
}

TEST_F(CriTest, SaysThatAContainerWasKilledForLackOfMemory) {
  v1::ContainerConfig config = ShellConfig("c", "x=a; while true; do x=$x$x; done");
  auto* resources = config.mutable_linux()->mutable_resources();
  resources->set_memory_limit_in_bytes(15 << 20);
  resources->set_memory_swap_limit_in_bytes(15 << 20);
  const std::string id = MustStart(MustRunPod("pod"), config);
  const v1::ContainerStatus status = AwaitEnd(id);
  EXPECT_EQ(status.exit_code(), 137);
  EXPECT_EQ(status.reason(), "OOMKilled");
}

TEST_F(CriTest, ChangesTheLimitsOfARunningContainer) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  request.mutable_linux()->set_memory_limit_in_bytes(64 << 20);
  v1::UpdateContainerResourcesResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().UpdateContainerResources(&context, request, &response), IsRpcOk());
  EXPECT_EQ(StatusOf(id).resources().linux().memory_limit_in_bytes(), 64 << 20);
}

// On cgroup v1 the container is in no cpuset of its own before.
TEST_F(CriTest, KeepsARunningContainerAndWhatComesLaterToTheProcessorsOfAnUpdate) {
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000 & wait");
  auto& security = *config.mutable_linux()->mutable_security_context();
  security.mutable_namespace_options()->set_pid(v1::CONTAINER);  // it is process 1
  const std::string id = MustStart(MustRunPod("pod"), config);
  v1::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  request.mutable_linux()->set_cpuset_cpus("0");
  v1::UpdateContainerResourcesResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().UpdateContainerResources(&context, request, &response), IsRpcOk());
  const std::string field = "sed -n 's/^Cpus_allowed_list:[^0-9]*//p' ";
  EXPECT_EQ(MustExec(id, field + "/proc/1/status"), "0");
  EXPECT_EQ(MustExec(id, field + "/proc/self/status"), "0");
}

TEST_F(CriTest, CleansDotDotInPathsInsideOfTheContainer) {
  folder_.Fill({{"logs/data/file", "content"}});
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  config.set_working_dir("/tmp/../var/tmp");
  auto* mount = config.add_mounts();
  mount->set_container_path("/data/../../below/it");
  mount->set_host_path((LogFolder() / "data").native());
  const std::string id = MustStart(MustRunPod("pod"), config);
  EXPECT_EQ(MustExec(id, "pwd; cat /below/it/file"), "/var/tmp\ncontent");
}

TEST_F(CriTest, StopsAtOnceWhereLessThanNoTimeIsGiven) {
  const std::string id =
      MustStart(MustRunPod("pod"), ShellConfig("c", "trap '' TERM; sleep 1000 & wait; sleep 1000"));
  EXPECT_THAT(Stop(id, -1), IsRpcOk());
  EXPECT_EQ(StatusOf(id).exit_code(), 137);
}

// A message of the kernel's carries 253 descriptors.
TEST_F(CriTest, RefusesMoreMountsThanAContainerCanHaveAndUndoesIt) {
  const std::string pod = MustRunPod("pod");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  for (int i = 0; i < 254; ++i) {
    auto* mount = config.add_mounts();
    mount->set_container_path(fmt::format("/data/{}", i));
    mount->set_host_path(LogFolder().native());
  }
  std::string id;
  EXPECT_THAT(Create(pod, config, &id), RpcFailsWith(grpc::INVALID_ARGUMENT, "mounts are more"));
  config.mutable_mounts()->DeleteSubrange(200, 54);
  EXPECT_EQ(MustExec(MustStart(pod, config), "ls /data | wc -l"), "200");
}

TEST_F(CriTest, CountsWhatAContainerUses) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  v1::ListContainerStatsResponse response;
  grpc::ClientContext context;
  ASSERT_THAT(daemon_->runtime().ListContainerStats(&context, {}, &response), IsRpcOk());
  ASSERT_EQ(response.stats_size(), 1);
  EXPECT_EQ(response.stats(0).attributes().id(), id);
  EXPECT_GT(response.stats(0).memory().usage_bytes().value(), 0u);
  EXPECT_GT(response.stats(0).cpu().timestamp(), 0);
}

TEST_F(CriTest, MountsAFolderOfTheNodeThroughALink) {
  folder_.Fill({{"data/file", "content"}});
  std::filesystem::create_symlink(folder_ / "data", folder_ / "logs/link");
  v1::ContainerConfig config = ShellConfig("c", "sleep 1000");
  auto* mount = config.add_mounts();
  mount->set_container_path("/data/below");
  mount->set_host_path((folder_ / "logs/link").native());
  mount->set_readonly(true);
  const std::string id = MustStart(MustRunPod("pod"), config);
  EXPECT_EQ(MustExec(id, "cat /data/below/file"), "content");
  v1::ExecSyncResponse response;
  ASSERT_THAT(Exec(id, {"touch", "/data/below/new"}, &response), IsRpcOk());
  EXPECT_THAT(response.stderr(), HasSubstr("Read-only file system"));
  EXPECT_EQ(StatusOf(id).mounts_size(), 1);
  std::filesystem::remove_all(folder_ / "data");
}

TEST_F(CriTest, MakesNoMountPointsInAContainersOwnLayer) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  EXPECT_THAT(MustExec(id, "cat /etc/hosts"), HasSubstr("localhost"));
  EXPECT_TRUE(std::filesystem::is_empty(folders_.state / "upper" / id / "fs"));
}

TEST_F(CriTest, SharesMemoryAndProcessesAmongTheContainersOfAPod) {
  const std::string pod = MustRunPod("pod");
  const std::string one = MustStart(pod, ShellConfig("one", "echo x >/dev/shm/note; sleep 4712"));
  const std::string two = MustStart(pod, ShellConfig("two", "sleep 1000"));
  EXPECT_EQ(MustExec(two, "until [ -e /dev/shm/note ]; do sleep 0.05; done; cat /dev/shm/note"),
            "x");
  EXPECT_NE(MustExec(two, "grep -l 4712 /proc/[0-9]*/cmdline | wc -l"), "0");
}

TEST_F(CriTest, ListsContainersAndPodsWhileOthersComeAndGo) {
  const std::string pod = MustRunPod("pod");
  for (int i = 0; i < 20; ++i) MustCreate(pod, ShellConfig(fmt::format("stays{}", i), "exit"));
  std::atomic<bool> over = false;
  std::jthread lister([&] {
    while (!over) {
      v1::ListContainersResponse containers;
      v1::ListPodSandboxResponse pods;
      grpc::ClientContext of_containers;
      grpc::ClientContext of_pods;
      ASSERT_THAT(daemon_->runtime().ListContainers(&of_containers, {}, &containers), IsRpcOk());
      EXPECT_GE(containers.containers_size(), 20);
      ASSERT_THAT(daemon_->runtime().ListPodSandbox(&of_pods, {}, &pods), IsRpcOk());
      EXPECT_EQ(pods.items_size(), 1);
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Remove(MustCreate(pod, ShellConfig("goes", "exit"))), IsRpcOk());
  }
  over = true;
}

TEST_F(CriTest, GivesARetryOfCreateContainerTheSameContainer) {
  const std::string pod = MustRunPod("pod");
  const std::string id = MustCreate(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(MustCreate(pod, ShellConfig("c", "sleep 1000")), id);
}

}  // namespace
}  // namespace trivet::testing
