#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

#include "common/linux/cgroup.h"
#include "common/linux/file.h"
#include "common/linux/socket_address.h"
#include "tests/integration/cri/cri_test.h"

namespace trivet::testing {
namespace {

using ::testing::HasSubstr;

class RestartTest : public CriTest {
 protected:
  void Restart() {
    daemon_->Kill();
    StartDaemon();
  }
  void SetUp() override {
    CriTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MustRunPod("pod");
  }

  std::string pod_;
};

TEST_F(RestartTest, FindsItsPodsAndContainersRunning) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  Restart();
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_READY);
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_RUNNING);
  EXPECT_EQ(MustExec(id, "echo still here"), "still here");
}

TEST_F(RestartTest, WaitsForAShimThatIsSlow) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  const std::string file = folders_.run / "shims" / pod_ / "pid";
  const pid_t shim = std::stoi(*ReadFile(file));
  daemon_->Kill();
  ASSERT_EQ(::kill(shim, SIGSTOP), 0);
  StartDaemon();
  std::thread later([shim] {
    std::this_thread::sleep_for(std::chrono::seconds(4));  // as slow as an overloaded node
    ::kill(shim, SIGCONT);
  });
  EXPECT_EQ(MustExec(id, "echo still here"), "still here");
  later.join();
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_READY);
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_RUNNING);
}

TEST_F(RestartTest, LearnsTheExitCodeOfAContainerThatEndedMeanwhile) {
  const std::string id = MustStart(
      pod_, ShellConfig("c", "until [ -e /dev/shm/go ]; do sleep 0.02; done; echo last; exit 42"));
  daemon_->Kill();
  std::ofstream(folders_.run / "shims" / pod_ / "pod" / "shm" / "go").put('x');
  for (int i = 0; i < 200; ++i) {
    if (std::filesystem::exists(folders_.run / "shims" / pod_ / (id + ".exit"))) break;
    ::usleep(10'000);
  }
  StartDaemon();
  const v1::ContainerStatus status = AwaitEnd(id);
  EXPECT_EQ(status.exit_code(), 42);
  EXPECT_THAT(*ReadFile(status.log_path()), HasSubstr("stdout F last"));
}

TEST_F(RestartTest, LosesAndDoublesNoLineOfALog) {
  const std::string id = MustStart(
      pod_, ShellConfig("c", "i=0; while [ $i -lt 2000 ]; do echo n $i; i=$((i+1)); done; exit 0"));
  for (int i = 0; i < 3; ++i) Restart();
  const v1::ContainerStatus status = AwaitEnd(id);
  const std::string log = *ReadFile(status.log_path());
  std::string numbers;
  std::string expected;
  const std::regex line(" stdout F n ([0-9]+)\n");
  for (std::sregex_iterator match(log.begin(), log.end(), line), end; match != end; ++match) {
    numbers += (*match)[1].str() + " ";
  }
  for (int i = 0; i < 2000; ++i) expected += std::to_string(i) + " ";
  EXPECT_EQ(numbers, expected);
}

TEST_F(RestartTest, StartsAContainerThatWasOnlyCreated) {
  const std::string id = MustCreate(pod_, ShellConfig("c", "exit 6"));
  Restart();
  EXPECT_THAT(Start(id), IsRpcOk());
  EXPECT_EQ(AwaitEnd(id).exit_code(), 6);
}

TEST_F(RestartTest, SeesThatAShimHasDiedMeanwhile) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  const int shim = std::stoi(*ReadFile(folders_.run / "shims" / pod_ / "pid"));
  daemon_->Kill();
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  StartDaemon();
  EXPECT_EQ(AwaitEnd(id).exit_code(), 137);
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_NOTREADY);
}

TEST_F(RestartTest, SeesAtOnceThatAShimDies) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  const int shim = std::stoi(*ReadFile(folders_.run / "shims" / pod_ / "pid"));
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  EXPECT_EQ(AwaitEnd(id).exit_code(), 137);
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_NOTREADY);
}

// That the container has ended is a guess then: its processes are looked for.
TEST_F(RestartTest, LeavesNothingOfAContainerWhoseShimDiesWhileItIsStopped) {
  v1::ContainerConfig config =
      ShellConfig("c", "trap 'echo asked' TERM; echo set; while :; do sleep 1; done");
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      v1::CONTAINER);
  const std::string id = MustStart(pod_, config);
  AwaitLog(id, "set");
  std::thread killer([&] {
    AwaitLog(id, "asked");
    ::kill(std::stoi(*ReadFile(folders_.run / "shims" / pod_ / "pid")), SIGKILL);
  });
  EXPECT_THAT(Stop(id, 100), IsRpcOk());
  killer.join();
  const std::string group = folders_.cgroup_parent + "/" + pod_ + "/" + id;
  EXPECT_THAT(*(*Cgroups::Open())->Processes(group), ::testing::IsEmpty());
}

// The kubelet makes another pod of one that is not ready.
TEST_F(RestartTest, TakesAPodAsNotReadyWhenTheFirstProcessOfItsPidNamespaceDies) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  const std::string shim =
      std::to_string(std::stoi(*ReadFile(folders_.run / "shims" / pod_ / "pid")));
  std::istringstream children(*ReadFile("/proc/" + shim + "/task/" + shim + "/children"));
  int reaper = 0;
  for (std::string pid; children >> pid;) {
    if (ReadFile("/proc/" + pid + "/comm").value_or("") == "trivet-pause\n")
      reaper = std::stoi(pid);
  }
  ASSERT_GT(reaper, 0);
  ASSERT_EQ(::kill(reaper, SIGKILL), 0);
  EXPECT_EQ(AwaitEnd(id).exit_code(), 137);
  for (int i = 0; i < 1000 && PodStatusOf(pod_).state() == v1::SANDBOX_READY; ++i) ::usleep(10'000);
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_NOTREADY);
  EXPECT_THAT(StopPod(pod_), IsRpcOk());
}

// Takes the place of the shim's socket: what a shim of another major version says to any word.
class ForeignShim {
 public:
  explicit ForeignShim(const std::filesystem::path& socket)
      : listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    std::filesystem::remove(socket);
    const auto address = SocketAddress::Of(socket);
    EXPECT_EQ(::bind(listener_.get(), address->get(), SocketAddress::size()), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    thread_ = std::thread([this] {
      while (true) {
        const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!peer.valid()) return;
        char byte = 0;
        if (::recv(peer.get(), &byte, 1, 0) > 0) ::send(peer.get(), "\2\0\0\0", 4, MSG_NOSIGNAL);
      }
    });
  }
  ~ForeignShim() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  UniqueFd listener_;
  std::thread thread_;
};

TEST_F(RestartTest, LeavesAPodRunningWhoseShimSpeaksAnotherVersionUntilItIsStopped) {
  const std::string polite = MustStart(
      pod_,
      ShellConfig("polite", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"));
  const std::string other = MustStart(pod_, ShellConfig("other", "sleep 1000"));
  AwaitLog(polite, "up");
  daemon_->Kill();
  const ForeignShim shim(folders_.run / "shims" / pod_ / "sock");
  StartDaemon();

  for (int i = 0; i < 1000 && PodStatusOf(pod_).state() == v1::SANDBOX_READY; ++i) ::usleep(10'000);
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_NOTREADY);
  EXPECT_EQ(StatusOf(polite).state(), v1::CONTAINER_RUNNING);
  EXPECT_EQ(StatusOf(other).state(), v1::CONTAINER_RUNNING);
  EXPECT_THAT(Stop(polite, 30), IsRpcOk());
  EXPECT_EQ(StatusOf(polite).state(), v1::CONTAINER_EXITED);
  AwaitLog(polite, "stdout F bye");  // its shim, which nobody can ask, writes on
  EXPECT_THAT(Stop(other, 0), IsRpcOk());
  EXPECT_EQ(StatusOf(other).exit_code(), 137);
  EXPECT_THAT(Remove(other), IsRpcOk());
  EXPECT_THAT(StopPod(pod_), IsRpcOk());
  EXPECT_THAT(RemovePod(pod_), IsRpcOk());
  EXPECT_FALSE(std::filesystem::exists(folders_.run / "shims" / pod_));
}

TEST_F(RestartTest, NoticesTheEndOfAContainerWhoseShimSpeaksAnotherVersion) {
  const std::string ends = MustStart(pod_, ShellConfig("ends", "sleep 2"));
  const std::string stays = MustStart(pod_, ShellConfig("stays", "sleep 1000"));
  daemon_->Kill();
  const ForeignShim shim(folders_.run / "shims" / pod_ / "sock");
  StartDaemon();
  EXPECT_EQ(AwaitEnd(ends).state(), v1::CONTAINER_EXITED);
  EXPECT_EQ(StatusOf(stays).state(), v1::CONTAINER_RUNNING);
}

TEST_F(RestartTest, RemovesAPodWhoseShimSpeaksAnotherVersionWithAllThatRunsInIt) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  daemon_->Kill();
  const ForeignShim shim(folders_.run / "shims" / pod_ / "sock");
  StartDaemon();
  EXPECT_THAT(StopPod(pod_), IsRpcOk());
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_THAT(RemovePod(pod_), IsRpcOk());
}

TEST_F(RestartTest, UndoesAPodThatWasHalfMade) {
  folder_.Fill({{"bin/slow", ""}});
  std::thread run([this] {
    std::string id;
    EXPECT_THAT(RunPod(PodConfig("slow"), &id), RpcFailsWith(grpc::UNAVAILABLE, ""));
  });
  while (CniCalls().find("ADD", CniCalls().find("ADD") + 1) == std::string::npos) ::usleep(1000);
  daemon_->Kill();
  run.join();
  std::filesystem::remove(folder_ / "bin/slow");
  StartDaemon();
  const std::string again = MustRunPod("slow");
  EXPECT_THAT(CniCalls(), HasSubstr("DEL"));
  EXPECT_EQ(PodStatusOf(again).state(), v1::SANDBOX_READY);
}

TEST_F(RestartTest, RemovesWhatHasNoRecord) {
  const std::string stray(64, 'a');
  std::filesystem::create_directories(folders_.state / "upper" / stray / "fs");
  std::filesystem::create_directories(folders_.state / "pods" / stray);
  std::filesystem::create_directories(folders_.run / "shims" / stray);
  Restart();
  EXPECT_FALSE(std::filesystem::exists(folders_.state / "upper" / stray));
  EXPECT_FALSE(std::filesystem::exists(folders_.run / "shims" / stray));
}

TEST_F(RestartTest, TakesARecordOfAnEarlierBootAsNotReady) {
  const std::string id = MustStart(pod_, ShellConfig("c", "sleep 1000"));
  daemon_->Kill();
  // As a reboot leaves it: nothing runs, the records say another boot.
  const int shim = std::stoi(*ReadFile(folders_.run / "shims" / pod_ / "pid"));
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  for (const auto& file : {folders_.state / "sandboxes" / (pod_ + ".json"),
                           folders_.state / "containers" / (id + ".json")}) {
    const std::string text = *ReadFile(file);
    ASSERT_TRUE(WriteFileVolatile(
        file,
        std::regex_replace(text, std::regex("\"boot_id\": \"[^\"]*"), "\"boot_id\": \"earlier")));
  }
  StartDaemon();
  EXPECT_EQ(PodStatusOf(pod_).state(), v1::SANDBOX_NOTREADY);
  EXPECT_EQ(StatusOf(id).state(), v1::CONTAINER_EXITED);
  EXPECT_THAT(StopPod(pod_), IsRpcOk());
  EXPECT_THAT(CniCalls(), HasSubstr("DEL"));
}

}  // namespace
}  // namespace trivet::testing
