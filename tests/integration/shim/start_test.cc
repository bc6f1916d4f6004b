#include <linux/seccomp.h>
#include <poll.h>
#include <sys/syscall.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

/// A container's first process, which is there before the container is started.
class StartTest : public testing::ShimTest {
 protected:
  std::vector<pid_t> AwaitChildren(size_t count) {
    for (int i = 0; i < 1000 && Children().size() != count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Children();
  }
  // Until it does nothing but wait: it has the container's root by then.
  pid_t AwaitFirstProcess() {
    const std::vector<pid_t> children = AwaitChildren(1);
    if (children.size() != 1) return -1;
    const std::string root = fmt::format("/proc/{}/root/the-root", children.front());
    for (int i = 0; i < 1000 && !std::filesystem::exists(root); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return children.front();
  }
  Result<> Create(const std::string& script, const Change& change = [](auto&) {}) {
    return CreateContainer(script, [&](Setup& setup) {
      EXPECT_THAT(WriteFileVolatile(setup.root / "the-root", ""), IsOk());
      change(setup);
    });
  }
  static bool Ends(const UniqueFd& process) {
    pollfd end{process.get(), POLLIN, 0};
    return ::poll(&end, 1, 10'000) == 1;
  }
};

TEST_F(StartTest, GoesOnWithTheProcessThatWaits) {
  StartPod();
  ASSERT_THAT(Create("echo started; sleep 100"), IsOk());
  const pid_t first = AwaitFirstProcess();
  EXPECT_EQ(Log(), "");
  const auto started = StartContainer();
  ASSERT_THAT(started, IsOk());
  EXPECT_EQ(started->pid, first);
  EXPECT_TRUE(LogSays("started"));
}

TEST_F(StartTest, IsNotWaitedForWhereOthersShareThePidNamespace) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  ASSERT_THAT(AwaitChildren(1), SizeIs(1));
  const std::vector<pid_t> reaper = Children();
  ASSERT_THAT(Create("true", [](Setup& s) { s.spec.pid = shim::NamespaceMode::kPod; }), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(Children(), reaper);
  EXPECT_THAT(StartContainer(), IsOk());
}

TEST_F(StartTest, OfAContainerThatIsRemovedNeverComes) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  ASSERT_GT(AwaitFirstProcess(), 0);
  ASSERT_THAT(RemoveContainer(), IsOk());
  EXPECT_THAT(Children(), IsEmpty());
  ASSERT_THAT(Create("true"), IsOk());
  EXPECT_THAT(StartContainer(), IsOk());
}

TEST_F(StartTest, ReportsWhatFailedBeforeIt) {
  StartPod();
  ASSERT_THAT(Create("true", [](Setup& s) { s.spec.process.cwd = "/the-root/in"; }), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_THAT(Children(), IsEmpty());
  EXPECT_THAT(StartContainer(),
              FailsWith(Code::kInvalidArgument, "working directory /the-root/in"));
  EXPECT_EQ(client_->AwaitExit()->exit_code, 128);
}

TEST_F(StartTest, FailsWhereTheProcessThatWaitedWasKilled) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  ::kill(AwaitFirstProcess(), SIGKILL);
  ASSERT_THAT(AwaitChildren(0), IsEmpty());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kAborted, "killed by signal 9 before its program"));
  EXPECT_EQ(client_->AwaitExit()->exit_code, 128);
}

// The shim finds both at a time, and the request first.
TEST_F(StartTest, FailsWhereTheProcessThatWaitsIsKilledMeanwhile) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  const pid_t first = AwaitFirstProcess();
  ASSERT_THAT(SendSignal(shim_.pidfd, SIGSTOP), IsOk());
  const auto serial =
      client_->Send(shim::Verb::kStartContainer, wire::Encode(shim::ContainerRef{"c1"}, 0), {});
  ASSERT_THAT(serial, IsOk());
  ::kill(first, SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_THAT(SendSignal(shim_.pidfd, SIGCONT), IsOk());
  EXPECT_THAT(client_->AwaitAnswer(*serial),
              FailsWith(Code::kAborted, "killed by signal 9 before"));
  EXPECT_EQ(client_->AwaitExit()->exit_code, 128);
}

class StartIn : public StartTest, public ::testing::WithParamInterface<shim::NamespaceMode> {};

INSTANTIATE_TEST_SUITE_P(PidNamespaces, StartIn,
                         ::testing::Values(shim::NamespaceMode::kContainer,
                                           shim::NamespaceMode::kPod),
                         [](const auto& mode) {
                           return mode.param == shim::NamespaceMode::kPod ? "Pod" : "Container";
                         });

// All that the shim sees of it is that the channel is closed, which is what execve does, too.
TEST_P(StartIn, FailsWhereTheProcessIsKilledWithinExecve) {
  StartPod([](auto& spec) { spec.pid = GetParam(); });
  ASSERT_THAT(CreateContainer("true",
                              [](Setup& setup) {
                                setup.spec.pid = GetParam();
                                setup.spec.process.seccomp_bpf =
                                    FilterAgainst(SYS_execve, SECCOMP_RET_KILL_PROCESS);
                              }),
              IsOk());
  EXPECT_THAT(StartContainer(),
              FailsWith(Code::kAborted, "container init: was killed by signal 31 before its"));
  EXPECT_EQ(client_->AwaitExit()->exit_code, 128);
}

TEST_P(StartIn, SucceedsWhereTheProgramKillsItself) {
  StartPod([](auto& spec) { spec.pid = GetParam(); });
  // Not as PID 1, who cannot.
  const auto outcome =
      Run("sh -c 'kill -9 $$'; exit $?", [](Setup& setup) { setup.spec.pid = GetParam(); });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 137);
}

TEST_F(StartTest, EndsWithTheShim) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  const pid_t first = AwaitFirstProcess();
  const auto pidfd = OpenPidfd(first);
  ASSERT_THAT(pidfd, IsOk());
  ASSERT_THAT(SendSignal(shim_.pidfd, SIGKILL), IsOk());
  EXPECT_TRUE(Ends(*pidfd));
}

TEST_F(StartTest, IsNotWaitedForByTheEndOfThePod) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  ASSERT_GT(AwaitFirstProcess(), 0);
  EXPECT_THAT(client_->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{}), IsOk());
  EXPECT_TRUE(Ends(shim_.pidfd));
}

TEST_F(StartTest, LeavesTheProcessOutOfWhatAContainerHas) {
  StartPod();
  ASSERT_THAT(Create("true"), IsOk());
  ASSERT_GT(AwaitFirstProcess(), 0);
  const auto state = client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{});
  ASSERT_THAT(state, IsOk());
  ASSERT_THAT(state->containers, SizeIs(1));
  EXPECT_EQ(state->containers.front().phase, shim::ContainerPhase::kCreated);
  EXPECT_EQ(state->containers.front().pid, 0);
  EXPECT_THAT(Exec("true"), FailsWith(Code::kFailedPrecondition, "not run"));
}

}  // namespace
}  // namespace trivet
