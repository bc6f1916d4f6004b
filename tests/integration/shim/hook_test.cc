#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using shim::HookKind;
using std::chrono::steady_clock;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

constexpr int64_t kLong = 300'000;
// Writes its pid, which the test waits for.
constexpr const char* kHang = "echo $$ >/run/pid.new; mv /run/pid.new /run/pid; sleep 300";

class HookTest : public testing::ShimTest {
 protected:
  static void Add(Setup& setup, HookKind kind, const std::string& script,
                  int64_t timeout_ms = 10000, const std::string& path = "/bin/sh") {
    setup.spec.hooks.push_back({.kind = kind,
                                .path = path,
                                .args = {"a-hook", "-c", script},
                                .env = {"PATH=/usr/bin:/bin", "ONE=1"},
                                .timeout_ms = timeout_ms});
    setup.spec.hook_state = R"("id":"c1","bundle":"/run")";
  }

  void StartPodWithPids(shim::NamespaceMode pid) {
    StartPod([&](shim::SandboxSpec& spec) { spec.pid = pid; });
    ASSERT_THAT(client_->Greet(shim::kMinor), IsOk());
  }

  static Change With(HookKind kind, const std::string& script, int64_t timeout_ms = 10000) {
    return [=](Setup& setup) { Add(setup, kind, script, timeout_ms); };
  }

  Result<uint32_t> SendStart() {
    return client_->Send(shim::Verb::kStartContainer, wire::Encode(shim::ContainerRef{"c1"}), {});
  }

  static std::string AwaitFile(const std::string& path) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!std::filesystem::exists(path) && steady_clock::now() < deadline) ::usleep(5'000);
    return ReadFile(path).value_or("");
  }

  static bool HasEnded(int pid) {
    const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    return !stat || stat->find(") Z ") != std::string::npos;
  }

  static bool AwaitEndOf(int pid) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(10);
    while (!HasEnded(pid) && steady_clock::now() < deadline) ::usleep(5'000);
    return HasEnded(pid);
  }
};

TEST_F(HookTest, RunsEachInItsOrderWithItsState) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  const auto outcome = Run("cat /by-hook; cat /state", [](Setup& setup) {
    Add(setup, HookKind::kPoststop, "echo poststop >>/run/order; cat >/run/poststop");
    Add(setup, HookKind::kPoststart, "echo poststart >>/run/order");
    Add(setup, HookKind::kStartContainer, "cat >/state");
    Add(setup, HookKind::kCreateContainer,
        "echo createContainer >>/run/order; echo made >/run/shims/s1/root/by-hook; "
        "echo $0 $ONE $HOME >/run/env; cat >/run/createContainer");
    Add(setup, HookKind::kCreateRuntime,
        "echo createRuntime >>/run/order; ls /run/shims/s1/root >/run/seen; "
        "ls /proc/self/fd >/run/fds");
    Add(setup, HookKind::kPrestart, "echo prestart >>/run/order");
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("made\n"));
  EXPECT_THAT(outcome->out, HasSubstr(R"("status":"created","pid":1,"id":"c1")"));
  EXPECT_THAT(*ReadFile("/run/createContainer"), HasSubstr(R"("status":"creating","pid":1,)"));
  EXPECT_EQ(*ReadFile("/run/env"), "a-hook 1\n");
  EXPECT_EQ(*ReadFile("/run/seen"), "");
  EXPECT_EQ(*ReadFile("/run/fds"), "0\n1\n2\n3\n");
  ASSERT_THAT(RemoveContainer(), IsOk());
  EXPECT_EQ(*ReadFile("/run/order"),
            "prestart\ncreateRuntime\ncreateContainer\npoststart\npoststop\n");
  EXPECT_THAT(*ReadFile("/run/poststop"), HasSubstr(R"("status":"stopped","id":"c1")"));
}

struct NamedKind {
  HookKind kind;
  std::string name;
};
const std::vector<NamedKind> kStartKinds = {{HookKind::kPrestart, "prestart"},
                                            {HookKind::kCreateRuntime, "createRuntime"},
                                            {HookKind::kCreateContainer, "createContainer"},
                                            {HookKind::kStartContainer, "startContainer"},
                                            {HookKind::kPoststart, "poststart"}};

TEST_F(HookTest, FailsTheStartWithWhatItSaid) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  for (const auto& [kind, name] : kStartKinds) {
    ASSERT_THAT(CreateContainer("sleep 300", With(kind, "echo no driver >&2; exit 3")), IsOk());
    EXPECT_THAT(StartContainer(),
                FailsWith(Code::kInternal, "hook " + name + " /bin/sh: exit status 3: no driver"));
    const auto exit = client_->AwaitExit();
    ASSERT_THAT(exit, IsOk());
    EXPECT_EQ(exit->exit_code, shim::kStartFailedCode);
    ASSERT_THAT(RemoveContainer(), IsOk());
  }
}

TEST_F(HookTest, SaysThatItDidNotRunWhereItIsKilledWithinExecve) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("true",
                              [](Setup& setup) {
                                Add(setup, HookKind::kStartContainer, "exit 0");
                                setup.spec.process.seccomp_bpf =
                                    FilterAgainst(SYS_execve, SECCOMP_RET_KILL_PROCESS);
                              }),
              IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kInternal, "/bin/sh: was killed by signal 31"));
}

TEST_F(HookTest, KeepsTheBeginningOfWhatItSaidAsOneLineOfText) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("true", With(HookKind::kCreateRuntime,
                                           "printf 'a\\033[31m\\nb' >&2; "
                                           "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1")),
              IsOk());
  const auto started = StartContainer();
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message(), HasSubstr("exit status 1: a?[31m b"));
  EXPECT_THAT(started.error().message(), Not(HasSubstr("\n")));
  EXPECT_LT(started.error().message().size(), 1200u);
}

TEST_F(HookTest, IsNotAwaitedByWhoHoldsItsOutput) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  const auto before = steady_clock::now();
  ASSERT_THAT(CreateContainer("sleep 300", With(HookKind::kCreateRuntime, "sleep 300 &")), IsOk());
  EXPECT_THAT(StartContainer(), IsOk());
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(HookTest, KillsOneThatIsLate) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("true", With(HookKind::kCreateRuntime, "sleep 300 & sleep 300", 300)),
              IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kDeadlineExceeded, "did not end within 300 ms"));
}

TEST_F(HookTest, GoesOnAfterALastOneHasFailed) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  EXPECT_THAT(Run("true",
                  [](Setup& setup) {
                    Add(setup, HookKind::kPoststop, "exit 1");
                    Add(setup, HookKind::kPoststop, "true", 1000, "/nowhere");
                    Add(setup, HookKind::kPoststop, "touch /run/second");
                  }),
              IsOk());
  EXPECT_THAT(RemoveContainer(), IsOk());
  EXPECT_TRUE(std::filesystem::exists("/run/second"));
}

TEST_F(HookTest, TakesTheProgramOfTheNode) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer(
                  "true",
                  [](Setup& setup) {
                    ASSERT_THAT(WriteFileVolatile(setup.root / "only-here", "#!/bin/sh\n"), IsOk());
                    Add(setup, HookKind::kCreateContainer, "true", 1000, "/only-here");
                  }),
              IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kNotFound, "hook createContainer /only-here"));
}

TEST_F(HookTest, RefusesWhatIsNone) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  EXPECT_THAT(CreateContainer("true", With(HookKind::kPoststop, "true", 0)),
              FailsWith(Code::kInvalidArgument, "hooks"));
}

TEST_F(HookTest, WritesToARootThatIsReadOnlyLater) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  const auto outcome = Run("cat /by-hook; touch /x || echo refused", [](Setup& setup) {
    Add(setup, HookKind::kCreateContainer, "echo made >/run/shims/s1/root/by-hook");
    setup.spec.readonly_root = true;
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("made\n"));
  EXPECT_THAT(outcome->out, HasSubstr("refused\n"));
}

// An image's links lead to the node's files where a path is resolved from the node's root.
TEST_F(HookTest, SeesAllMountsBelowTheRootWhereverItsLinksLead) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  std::filesystem::create_directories("/run/victim");
  ASSERT_THAT(WriteFileVolatile("/run/victim/file", "the node's"), IsOk());
  const auto outcome = Run("true", [](Setup& setup) {
    std::filesystem::create_symlink("/run/victim", setup.root / "absolute");
    std::filesystem::create_symlink("../../../../run/victim", setup.root / "climbs");
    for (const char* target : {"/absolute", "/climbs/below"}) {
      setup.spec.mounts.push_back({.kind = shim::MountKind::kTmpfs, .target = target});
    }
    Add(setup, HookKind::kCreateContainer,
        "cut -d' ' -f5 /proc/self/mountinfo | grep victim >/run/mounts; cat /run/victim/file "
        ">>/run/mounts");
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(*ReadFile("/run/mounts"),
            "/run/shims/s1/root/run/victim\n/run/shims/s1/root/run/victim/below\nthe node's");
}

class HookPidTest : public HookTest, public ::testing::WithParamInterface<shim::NamespaceMode> {};

TEST_P(HookPidTest, RunsInThePidNamespaceOfItsContainer) {
  const bool shared = GetParam() == shim::NamespaceMode::kPod;
  StartPodWithPids(shared ? GetParam() : shim::NamespaceMode::kContainer);
  const auto outcome = Run("readlink /proc/self/ns/pid; echo $$; cat /state", [](Setup& setup) {
    setup.spec.pid = GetParam();
    Add(setup, HookKind::kCreateContainer, "readlink /proc/self/ns/pid >/run/own; cat >/run/state");
    Add(setup, HookKind::kCreateRuntime, "readlink /proc/self/ns/pid >/run/node");
    Add(setup, HookKind::kStartContainer, "cat >/state");
  });
  ASSERT_THAT(outcome, IsOk());
  std::istringstream said(outcome->out);
  std::string space, pid;
  said >> space >> pid;
  EXPECT_EQ(*ReadFile("/run/own"), space + "\n");
  EXPECT_EQ(*ReadFile("/run/node") == space + "\n", GetParam() == shim::NamespaceMode::kNode);
  EXPECT_EQ(pid == "1", GetParam() == shim::NamespaceMode::kContainer);
  EXPECT_THAT(outcome->out, HasSubstr("\"pid\":" + pid + ","));
  EXPECT_THAT(*ReadFile("/run/state"), HasSubstr("\"pid\":" + pid + ","));
}

INSTANTIATE_TEST_SUITE_P(Node, HookPidTest, ::testing::Values(shim::NamespaceMode::kNode));
INSTANTIATE_TEST_SUITE_P(Pod, HookPidTest, ::testing::Values(shim::NamespaceMode::kPod));
INSTANTIATE_TEST_SUITE_P(Own, HookPidTest, ::testing::Values(shim::NamespaceMode::kContainer));

// The first process still has the node's root, and an exec would get it.
TEST_F(HookTest, KeepsExecsOutOfAContainerThatWaits) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  for (const auto kind : {HookKind::kCreateContainer, HookKind::kStartContainer}) {
    ASSERT_THAT(CreateContainer("sleep 300", With(kind, "sleep 1.5")), IsOk());
    const auto serial = SendStart();
    ASSERT_THAT(serial, IsOk());
    ::usleep(300'000);
    EXPECT_THAT(Exec("ls /run"), FailsWith(Code::kFailedPrecondition, "not running"));
    EXPECT_THAT(client_->AwaitAnswer(*serial), IsOk());
    EXPECT_THAT(Exec("true"), IsOk());
    ASSERT_THAT(RemoveContainer(), IsOk());
  }
}

TEST_F(HookTest, LetsTheEndWaitForTheAnswerToTheStart) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("exit 7", With(HookKind::kPoststart, "sleep 1.5; touch /run/done")),
              IsOk());
  ASSERT_THAT(SendStart(), IsOk());
  const auto first = client_->ReceiveHeader();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->verb, shim::Verb::kStartContainer);
  EXPECT_EQ(first->code, 0);
  EXPECT_TRUE(std::filesystem::exists("/run/done"));
  const auto exit = client_->AwaitExit();
  ASSERT_THAT(exit, IsOk());
  EXPECT_EQ(exit->exit_code, 7);
}

TEST_F(HookTest, DoesNotHoldUpTheRemovalOfItsContainer) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  for (const auto& [kind, name] : kStartKinds) {
    if (kind == HookKind::kStartContainer) continue;  // it cannot tell us that it runs
    std::filesystem::remove("/run/pid");
    ASSERT_THAT(CreateContainer("sleep 300", With(kind, kHang, kLong)), IsOk());
    const auto serial = SendStart();
    ASSERT_THAT(serial, IsOk());
    EXPECT_NE(AwaitFile("/run/pid"), "") << name;
    const auto before = steady_clock::now();
    EXPECT_THAT(RemoveContainer(), IsOk()) << name;
    EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(4)) << name;
    EXPECT_THAT(client_->AwaitAnswer(*serial), FailsWith(Code::kAborted, "was killed")) << name;
    EXPECT_EQ(client_->AwaitExit()->exit_code, shim::kStartFailedCode) << name;
  }
}

TEST_F(HookTest, IsEndedByASignalThatKills) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("sleep 300", With(HookKind::kPoststart, kHang, kLong)), IsOk());
  const auto serial = SendStart();
  ASSERT_THAT(serial, IsOk());
  EXPECT_NE(AwaitFile("/run/pid"), "");
  const shim::SignalRequest kill{.id = "c1", .signal = SIGKILL, .all = true};
  EXPECT_THAT(client_->Call<shim::Empty>(shim::Verb::kSignalContainer, kill), IsOk());
  EXPECT_THAT(client_->AwaitAnswer(*serial), FailsWith(Code::kAborted, "hook poststart"));
  EXPECT_THAT(client_->AwaitExit(), IsOk());
}

TEST_F(HookTest, IsGivenUpWhereALastOneHoldsUpTheRemoval) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(Run("true",
                  [](Setup& setup) {
                    Add(setup, HookKind::kPoststop, kHang, kLong);
                    Add(setup, HookKind::kPoststop, "touch /run/second");
                  }),
              IsOk());
  const int hook = std::stoi(AwaitFile("/run/pid"));
  const auto serial =
      client_->Send(shim::Verb::kRemoveContainer, wire::Encode(shim::ContainerRef{"c1"}), {});
  ASSERT_THAT(serial, IsOk());
  const auto before = steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(5));  // the client itself is patient for ten
  EXPECT_THAT(client_->AwaitAnswer(*serial), IsOk());
  EXPECT_GE(steady_clock::now() - before, std::chrono::seconds(9));
  EXPECT_TRUE(AwaitEndOf(hook));
  EXPECT_FALSE(std::filesystem::exists("/run/second"));
}

TEST_F(HookTest, RunsBeforeAShutdownIsAnswered) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(CreateContainer("sleep 300",
                              [](Setup& setup) {
                                Add(setup, HookKind::kPoststop, "sleep 0.2");
                                Add(setup, HookKind::kPoststop, "sleep 0.2; touch /run/last");
                              }),
              IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  EXPECT_THAT((client_->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{})), IsOk());
  EXPECT_TRUE(std::filesystem::exists("/run/last"));
}

class HookAndShimTest : public HookTest, public ::testing::WithParamInterface<HookKind> {};

TEST_P(HookAndShimTest, EndsWithTheShimAndSoDoesWhoWaitsForIt) {
  StartPodWithPids(shim::NamespaceMode::kContainer);
  ASSERT_THAT(
      CreateContainer("sleep 300", With(GetParam(), "touch /run/runs; exec sleep 300", kLong)),
      IsOk());
  ASSERT_THAT(SendStart(), IsOk());
  AwaitFile("/run/runs");
  const std::vector<pid_t> pids = Children();
  ASSERT_THAT(SendSignal(shim_.pidfd, SIGKILL), IsOk());
  ASSERT_THAT(Reap(shim_.pidfd), IsOk());
  shim_.pidfd.reset();
  for (const pid_t pid : pids) EXPECT_TRUE(AwaitEndOf(pid)) << pid;
  EXPECT_THAT(pids, SizeIs(2));
}

INSTANTIATE_TEST_SUITE_P(Node, HookAndShimTest, ::testing::Values(HookKind::kCreateRuntime));
INSTANTIATE_TEST_SUITE_P(Container, HookAndShimTest, ::testing::Values(HookKind::kCreateContainer));

}  // namespace
}  // namespace trivet
