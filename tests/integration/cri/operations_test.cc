#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "common/linux/scheduling.h"
#include "tests/integration/cri/cri_test.h"
#include "tests/testing/processes.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;

// What an admin does with a running daemon.
class CriOperationsTest : public CriTest {
 protected:
  v1::StatusResponse Status() {
    v1::StatusRequest request;
    request.set_verbose(true);
    v1::StatusResponse response;
    grpc::ClientContext context;
    EXPECT_THAT(daemon_->runtime().Status(&context, request, &response), IsRpcOk());
    return response;
  }
  void Reload(const std::string& config) {
    ASSERT_TRUE(WriteFileVolatile(folders_.run / "cri.json", config).has_value());
    daemon_->Hangup();
  }
  // Waits until the configuration that Status shows has the words.
  bool AwaitConfig(const std::string& words) {
    for (int i = 0; i < 1000; ++i) {
      if (Status().info().at("config").find(words) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
};

TEST_F(CriOperationsTest, TakesItsConfigurationAnewAtHangupWhilePodsRun) {
  const std::string pod = MustRunPod("pod");
  Reload(R"({"pidsLimit": 77, "runtimeHandlers": {"quick": ""}})");
  ASSERT_TRUE(AwaitConfig(R"("pidsLimit":77)"));
  EXPECT_EQ(Status().runtime_handlers_size(), 2);
  const std::string id = MustStart(pod, ShellConfig("c", "sleep 1000"));
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_RUNNING);
}

TEST_F(CriOperationsTest, KeepsItsConfigurationWhenTheNewOneHasAnError) {
  Reload(R"({"pidsLimit": 0})");
  Reload("nonsense");
  Reload(R"({"pidsLimit": 78})");
  EXPECT_TRUE(AwaitConfig(R"("pidsLimit":78)"));
}

TEST_F(CriOperationsTest, NamesTheSlowStepAtTheClientsDeadlineAndLetsTheRetryJoin) {
  folder_.Fill({{"bin/slow", ""}});
  v1::RunPodSandboxRequest request;
  *request.mutable_config() = PodConfig("pod");
  v1::RunPodSandboxResponse response;
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
    EXPECT_THAT(daemon_->runtime().RunPodSandbox(&context, request, &response),
                RpcFailsWith(grpc::DEADLINE_EXCEEDED, "still runs: network for"));
  }
  EXPECT_THAT(Status().info().at("operations"), HasSubstr("RunPodSandbox default/pod"));
  std::filesystem::remove(folder_ / "bin/slow");
  grpc::ClientContext context;
  EXPECT_THAT(daemon_->runtime().RunPodSandbox(&context, request, &response), IsRpcOk());
  EXPECT_EQ(CniCalls().find("ADD"), CniCalls().rfind("ADD"));
}

// The daemon's threads that answer lists are preferred; what they have others start is not.
TEST_F(CriOperationsTest, OpensMoreFilesThanContainersMay) {
  daemon_->Kill();
  rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  const rlimit low{512, own.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  StartDaemon();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &own), 0);

  rlimit daemons{};
  ASSERT_EQ(::prlimit(daemon_->pid(), RLIMIT_NOFILE, nullptr, &daemons), 0);
  EXPECT_EQ(daemons.rlim_cur, own.rlim_max);
  const std::string limits = "512\n" + std::to_string(own.rlim_max);
  const std::string id =
      MustStart(MustRunPod("pod"),
                ShellConfig("c", "(ulimit -n; ulimit -Hn) >/limits; echo said; exec sleep 1000"));
  AwaitLog(id, "said");
  EXPECT_EQ(MustExec(id, "ulimit -n; ulimit -Hn"), limits);
  EXPECT_EQ(MustExec(id, "cat /limits"), limits);
}

TEST_F(CriOperationsTest, AContainerHasTheDaemonsPriorityNotThatOfTheThreadsThatAnswer) {
  const std::string id = MustStart(MustRunPod("pod"), ShellConfig("c", "sleep 1000"));
  // man 5 proc_pid_stat: nice, rt_priority, policy.
  const std::string own = fmt::format("{} 0 {}", ::getpriority(PRIO_PROCESS, 0), SCHED_OTHER);
  EXPECT_EQ(MustExec(id, "cut -d' ' -f19,40,41 /proc/1/stat"), own);
  EXPECT_EQ(MustExec(id, "cut -d' ' -f19,40,41 /proc/self/stat"), own);
}

// Some kernels refuse it, in a group of cgroup v1 without cpu.rt_runtime_us.
bool MayBeRealTime() {
  bool may = false;
  std::thread([&] { may = BeUrgent().has_value(); }).join();
  return may;
}

TEST_F(CriOperationsTest, ThreadsThatAnswerAreRealTimeAndNothingElseIs) {
  MustRunPod("pod");
  const auto threads = ListDirectory(fmt::format("/proc/{}/task", daemon_->pid())).value();
  const auto is_urgent = [](const std::string& thread) {
    return ::sched_getscheduler(std::stoi(thread)) == SCHED_FIFO;
  };
  EXPECT_EQ(std::ranges::any_of(threads, is_urgent), MayBeRealTime());
  EXPECT_EQ(::sched_getscheduler(daemon_->pid()), SCHED_OTHER);
  const auto shims = FindChildren(daemon_->pid(), "trivet-shim");
  EXPECT_THAT(shims, ::testing::Not(::testing::IsEmpty()));
  for (const Process& shim : shims) EXPECT_EQ(::sched_getscheduler(shim.pid), SCHED_OTHER);
}

}  // namespace
}  // namespace trivet::testing
