#include <sys/stat.h>

#include <csignal>
#include <functional>

#include "common/linux/file.h"
#include "tests/fault/cri/killer.h"
#include "tests/integration/cri/cri_test.h"
#include "tests/testing/matchers.h"

namespace trivet::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::ValuesIn;

// What a call needs before it can be made.
enum class Stage { kNothing, kPod, kCreated, kRunning, kPodStopped };

class KillTest;
struct Step {
  const char* name;
  Stage stage;
  std::function<grpc::Status(KillTest&)> call;
  bool own_users = false;  // in a pod with hostUsers: false
};

class KillTest : public CriTest, public ::testing::WithParamInterface<Step> {
 public:
  grpc::Status CallRun() { return RunPod(Pod(), &pod_); }
  grpc::Status CallCreate() { return Create(pod_, Container(), &container_); }
  grpc::Status CallStart() { return Start(container_); }
  grpc::Status CallExec() {
    v1::ExecSyncResponse done;
    return Exec(container_, {"/bin/true"}, &done);
  }
  grpc::Status CallStop() { return Stop(container_, 0); }
  grpc::Status CallRemove() { return Remove(container_); }
  grpc::Status CallStopPod() { return StopPod(pod_); }
  grpc::Status CallRemovePod() { return RemovePod(pod_); }

 protected:
  [[nodiscard]] v1::PodSandboxConfig Pod() const {
    v1::PodSandboxConfig config = PodConfig("pod");
    if (!own_users_) return config;
    auto& options =
        *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
    auto& user = *options.mutable_userns_options();
    user.set_mode(v1::POD);
    for (v1::IDMapping* mapping : {user.add_uids(), user.add_gids()}) {
      mapping->set_host_id(200000);
      mapping->set_length(65536);
    }
    return config;
  }
  [[nodiscard]] v1::ContainerConfig Container() const { return ShellConfig("c", "sleep 1000"); }

  void Reach(Stage stage) {
    if (stage >= Stage::kPod) {
      ASSERT_THAT(CallRun(), IsRpcOk());
    }
    if (stage >= Stage::kCreated) {
      ASSERT_THAT(CallCreate(), IsRpcOk());
    }
    if (stage >= Stage::kRunning) {
      ASSERT_THAT(CallStart(), IsRpcOk());
    }
    if (stage >= Stage::kPodStopped) {
      ASSERT_THAT(CallStopPod(), IsRpcOk());
    }
  }

  // Makes the call with a killer on `process`. Whether the process has survived it.
  bool Survives(pid_t process, int number, grpc::Status* status) {
    auto killer = Killer::Attach(process, number);
    if (!killer) {
      ADD_FAILURE() << killer.error().message();
      return true;
    }
    *status = GetParam().call(*this);
    return !killer->Finish();
  }

  void ExpectNothingLeft() {
    RemoveAllPods();
    ASSERT_THAT(Leaks(), IsEmpty());
  }

  [[nodiscard]] pid_t ShimPid() const {
    const auto pid = ReadFile(folders_.run / "shims" / pod_ / "pid");
    return pid ? std::stoi(*pid) : 0;
  }

  bool own_users_ = false;
  std::string pod_;
  std::string container_;
};

// A call more than any makes: that the end is reached is expected.
constexpr int kManyCalls = 1000;

TEST_P(KillTest, OfTheDaemonAtAnyStepLeavesACallThatCanBeRepeated) {
  own_users_ = GetParam().own_users;
  for (int number = 1; number < kManyCalls; ++number) {
    SCOPED_TRACE(fmt::format("killed at the acting system call {}", number));
    Reach(GetParam().stage);
    grpc::Status status;
    const bool survived = Survives(daemon_->pid(), number, &status);
    if (survived) {
      ASSERT_THAT(status, IsRpcOk());
    } else {
      daemon_->Kill();
      StartDaemon();
      ASSERT_THAT(GetParam().call(*this), IsRpcOk());
    }
    ExpectNothingLeft();
    if (survived || HasFailure()) return;
  }
  FAIL() << "the call never came to its end";
}

TEST_P(KillTest, OfTheShimAtAnyStepLeavesAPodThatCanBeRemoved) {
  if (GetParam().stage == Stage::kNothing || GetParam().stage == Stage::kPodStopped) {
    GTEST_SKIP() << "there is no shim before " << GetParam().name;
  }
  own_users_ = GetParam().own_users;
  for (int number = 1; number < kManyCalls; ++number) {
    SCOPED_TRACE(fmt::format("killed at the acting system call {}", number));
    Reach(GetParam().stage);
    grpc::Status status;
    const pid_t shim = ShimPid();
    const UniqueFd pidfd = *OpenPidfd(shim);
    const bool survived = Survives(shim, number, &status);
    if (survived) {
      EXPECT_THAT(status, IsRpcOk());
    } else {
      EXPECT_THAT(SendSignal(pidfd, SIGKILL), IsOk());  // it was to be struck: now it is
    }
    ExpectNothingLeft();
    if (survived || HasFailure()) return;
  }
  FAIL() << "the call never came to its end";
}

class ShimStartTest : public KillTest {};

TEST_F(ShimStartTest, KilledAtAnyStepOfItsStartLeavesACallThatCanBeRepeated) {
  daemon_->Kill();
  const std::string strike = folder_ / "logs/strike";
  const std::filesystem::path bin = std::getenv("TRIVET_BIN_DIR");
  const std::string tool = (bin / "../tests/kill_at_system_call").lexically_normal();
  const std::string shim = bin / "trivet-shim";
  folder_.Fill(
      {{"bin/shim", fmt::format("#!/bin/sh\nread n <{0} 2>/dev/null && rm {0} && exec {1} $n run "
                                "{2} \"$@\"\nexec {2} \"$@\"\n",
                                strike, tool, shim)}});
  ASSERT_EQ(::chmod((folder_ / "bin/shim").c_str(), 0755), 0);
  folders_.shim = folder_ / "bin/shim";
  StartDaemon();
  RememberWhatIsThere();
  for (int number = 1; number < kManyCalls; ++number) {
    SCOPED_TRACE(fmt::format("killed at the acting system call {}", number));
    daemon_->Kill();  // a shim that waits for the next pod would come without a strike
    StartDaemon();
    folder_.Fill({{"logs/strike", std::to_string(number) + "\n"}});
    const grpc::Status status = CallRun();
    EXPECT_FALSE(std::filesystem::exists(strike)) << "nobody was struck";
    // A pod whose shim has died later is there, and not ready; its name is taken until it is
    // removed.
    if (status.ok()) RemoveAllPods();
    ASSERT_THAT(CallRun(), IsRpcOk());
    ExpectNothingLeft();
    if (HasFailure()) return;
    if (status.ok()) {
      EXPECT_GT(number, 1) << "no shim was killed";
      return;
    }
  }
  FAIL() << "the shim never came up";
}

const Step kSteps[] = {
    {"RunPodSandbox", Stage::kNothing, &KillTest::CallRun},
    {"CreateContainer", Stage::kPod, &KillTest::CallCreate},
    {"StartContainer", Stage::kCreated, &KillTest::CallStart},
    {"ExecSync", Stage::kRunning, &KillTest::CallExec},
    {"StopContainer", Stage::kRunning, &KillTest::CallStop},
    {"RemoveContainer", Stage::kRunning, &KillTest::CallRemove},
    {"StopPodSandbox", Stage::kRunning, &KillTest::CallStopPod},
    {"RemovePodSandbox", Stage::kPodStopped, &KillTest::CallRemovePod},
    {"RunPodSandboxOfOtherUsers", Stage::kNothing, &KillTest::CallRun, true},
    {"CreateContainerOfOtherUsers", Stage::kPod, &KillTest::CallCreate, true},
    {"StartContainerOfOtherUsers", Stage::kCreated, &KillTest::CallStart, true},
    {"StopPodSandboxOfOtherUsers", Stage::kRunning, &KillTest::CallStopPod, true},
};
INSTANTIATE_TEST_SUITE_P(At, KillTest, ValuesIn(kSteps),
                         [](const auto& step) { return step.param.name; });

}  // namespace
}  // namespace trivet::testing
