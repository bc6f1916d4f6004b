#include <sys/resource.h>

#include <thread>

#include "common/base/json.h"
#include "common/linux/file.h"
#include "tests/integration/cri/cri_test.h"

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
  const std::string own = std::to_string(::getpriority(PRIO_PROCESS, 0));
  EXPECT_EQ(MustExec(id, "cut -d' ' -f19 /proc/1/stat"), own);
  EXPECT_EQ(MustExec(id, "cut -d' ' -f19 /proc/self/stat"), own);
}

}  // namespace
}  // namespace trivet::testing
