#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "common/linux/cgroup.h"
#include "common/linux/command.h"
#include "common/linux/file.h"
#include "common/linux/netns.h"
#include "common/linux/netns_pin.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::ShimClient;

// The pod as a whole: namespaces, the daemon's death, memory, the end.
class PodTest : public testing::ShimTest {
 protected:
  Result<shim::Empty> Shutdown() {
    return client_->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{});
  }
  // How the shim ends when its spec is wrong: what it says.
  static std::string StartFailure(const std::filesystem::path& run_dir,
                                  const shim::SandboxSpec& spec) {
    return StartFailureOf(run_dir, wire::Encode(spec));
  }
  static std::string StartFailureOf(const std::filesystem::path& run_dir, const std::string& spec) {
    EXPECT_THAT(WriteFileVolatile(run_dir / "spec", spec), IsOk());
    const auto output =
        RunCommand({.program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-shim",
                    .args = {"--run-dir", run_dir.native()}},
                   {}, {.timeout = milliseconds(5000)});
    if (!output) return "failed to run: " + output.error().message();
    EXPECT_EQ(output->exit_code, 1);
    return output->err;
  }
};

TEST_F(PodTest, EntersANetworkThatWasMadeForIt) {
  ASSERT_THAT(MakePinFolder("/run/netns"), IsOk());
  const auto netns = MakeNetworkNamespace();
  ASSERT_THAT(netns, IsOk());
  ASSERT_THAT(PinNetworkNamespace(*netns, "/run/netns/s1"), IsOk());
  struct stat made{};
  ASSERT_EQ(::stat("/run/netns/s1", &made), 0);
  StartPod([](auto& spec) {
    spec.network = shim::NamespaceMode::kPod;
    spec.netns_path = "/run/netns/s1";
    spec.netns_is_made = true;
  });
  EXPECT_THAT(Run("readlink /proc/self/ns/net")->out,
              HasSubstr(fmt::format("net:[{}]", made.st_ino)));
  EXPECT_THAT(Shutdown(), IsOk());
  EXPECT_FALSE(std::filesystem::exists("/run/netns/s1"));
}

TEST_F(PodTest, RefusesAMadeNetworkThatItIsNotTold) {
  shim::SandboxSpec spec{.id = "s", .hostname = "h", .netns_is_made = true};
  EXPECT_THAT(StartFailure(run_dir_, spec), HasSubstr("netns_is_made: needs netns_path"));
  spec.netns_path = "/run/netns/none";
  EXPECT_THAT(StartFailure(run_dir_, spec), HasSubstr("open network namespace /run/netns/none"));
}

// While an upgrade is under way: the program is new already, the daemon is not.
TEST_F(PodTest, TakesTheSpecOfAnEarlierDaemonAndNoOther) {
  std::string spec = wire::Encode(shim::SandboxSpec{.id = "s1", .sysctls = {"kernel.x=1"}});
  spec.pop_back();  // netns_is_made
  EXPECT_THAT(StartFailureOf(run_dir_, spec), HasSubstr("sysctl kernel.x: not of a namespace"));
  EXPECT_THAT(StartFailureOf(run_dir_, spec + "1234"),
              HasSubstr("trivet-cri and trivet-shim are of different versions"));
}

TEST_F(PodTest, HasANetworkOfItsOwnThatCanBeFoundByPath) {
  StartPod([](auto& spec) {
    spec.network = shim::NamespaceMode::kPod;
    spec.netns_path = "/run/netns/s1";
  });
  EXPECT_TRUE(*IsMountPoint("/run/netns/s1"));
  EXPECT_THAT(InNetworkNamespace("/run/netns/s1", []() -> Result<> { return {}; }), IsOk());
  EXPECT_THAT(
      Run("cat /proc/net/dev | wc -l; cat /sys/class/net/lo/flags",
          [](Setup& setup) {
            setup.spec.mounts.push_back({.kind = shim::MountKind::kSysfs, .target = "/sys"});
          })
          ->out,
      HasSubstr("0x9"));  // up
}

TEST_F(PodTest, SetsItsSysctls) {
  StartPod([](auto& spec) {
    spec.network = shim::NamespaceMode::kPod;
    spec.sysctls = {"net.ipv4.ip_unprivileged_port_start=77", "kernel.shm_rmid_forced=1"};
  });
  EXPECT_EQ(Run("cat /proc/sys/net/ipv4/ip_unprivileged_port_start "
                "/proc/sys/kernel/shm_rmid_forced")
                ->out,
            "77\n1\n");
}

TEST_F(PodTest, RefusesASysctlOfTheNode) {
  EXPECT_THAT(StartFailure(run_dir_, {.id = "s1", .sysctls = {"kernel.core_pattern=|/x"}}),
              HasSubstr("kernel.core_pattern"));
}

TEST_F(PodTest, SaysWhyItDoesNotStart) {
  ASSERT_THAT(WriteFileVolatile(run_dir_ / "spec", "garbage"), IsOk());
  const auto output =
      RunCommand({.program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-shim",
                  .args = {"--run-dir", run_dir_.native()}});
  EXPECT_EQ(output->exit_code, 1);
  EXPECT_THAT(output->err, HasSubstr("spec: message of 7 bytes ends early"));
}

TEST_F(PodTest, TellsWhatRunsAfterTheDaemonCameBack) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000"), IsOk());
  const auto started = StartContainer();
  client_.reset();
  auto second = ShimClient::Connect(run_dir_ / "sock");
  const auto state = second->Call<shim::State>(shim::Verb::kHello, shim::Empty{});
  ASSERT_THAT(state, IsOk());
  ASSERT_THAT(state->containers, SizeIs(1));
  EXPECT_EQ(state->containers[0].phase, shim::ContainerPhase::kRunning);
  EXPECT_EQ(state->containers[0].pid, started->pid);
  EXPECT_EQ(state->containers[0].start_time, *ReadStartTime(started->pid));
}

TEST_F(PodTest, KeepsLogAndExitCodeWhileNobodyIsConnected) {
  StartPod();
  ASSERT_THAT(CreateContainer("sleep 0.2; seq 1000; exit 9"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  client_.reset();
  ASSERT_TRUE(LogSays("\n1000\n"));
  for (int i = 0; i < 1000 && !std::filesystem::exists(exit_); ++i) ::usleep(5000);
  EXPECT_EQ(wire::Decode<shim::ExitRecord>(*ReadFile(exit_))->exit_code, 9);
}

TEST_F(PodTest, SendsTheExitToEveryConnectionThatSaidHello) {
  StartPod();
  auto second = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT((second->Call<shim::State>(shim::Verb::kHello, shim::Empty{})), IsOk());
  ASSERT_THAT(Run("exit 4"), IsOk());
  EXPECT_EQ(second->AwaitExit()->exit_code, 4);
}

TEST_F(PodTest, DropsAConnectionThatSpeaksAnotherLanguage) {
  StartPod();
  auto stranger = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT(stranger->SendRaw("no"), IsOk());
  EXPECT_TRUE(stranger->IsClosed());
  EXPECT_THAT(Run("true"), IsOk());
}

TEST_F(PodTest, SpeaksTheNewestVersionThatTheDaemonKnowsToo) {
  StartPod();
  auto older = ShimClient::Connect(run_dir_ / "sock");
  const auto old_state = older->Greet(0);
  ASSERT_THAT(old_state, IsOk());
  EXPECT_EQ(old_state->version, shim::VersionOf(0));
  auto newer = ShimClient::Connect(run_dir_ / "sock");
  const auto state = newer->Greet(shim::kMinor + 5);
  ASSERT_THAT(state, IsOk());
  EXPECT_EQ(state->version, shim::VersionOf(shim::kMinor));
  EXPECT_THAT(state->state.program_version, Not(IsEmpty()));
  ASSERT_THAT(Run("exit 4"), IsOk());
  EXPECT_EQ(older->ReceiveHeader()->version, shim::VersionOf(0));
  EXPECT_EQ(newer->ReceiveHeader()->version, shim::VersionOf(shim::kMinor));
}

TEST_F(PodTest, SaysItsVersionToADaemonOfAnotherMajorOneAndGoesOn) {
  StartPod();
  auto stranger = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT(stranger->SendRaw(std::string("\2\0\0\0", 4) + "of another form"), IsOk());
  const auto word = stranger->ReceiveHeader();
  ASSERT_THAT(word, IsOk());
  EXPECT_EQ(shim::MajorOf(word->version), shim::kMajor);
  EXPECT_EQ(word->code, static_cast<int32_t>(Code::kFailedPrecondition));
  EXPECT_THAT(word->message, HasSubstr("speaks protocol version 2"));
  EXPECT_TRUE(stranger->IsClosed());
  EXPECT_THAT(Run("true"), IsOk());
}

TEST_F(PodTest, AnswersAMalformedBodyAndAnUnknownVerb) {
  StartPod();
  EXPECT_THAT((client_->Call<shim::Empty>(shim::Verb::kCreateContainer, shim::Empty{})),
              FailsWith(Code::kInvalidArgument, "ends early"));
  EXPECT_THAT((client_->Call<shim::Empty>(static_cast<shim::Verb>(99), shim::Empty{})),
              FailsWith(Code::kUnimplemented, "99"));
  EXPECT_THAT(
      (client_->Call<shim::Empty>(shim::Verb::kCreateContainer, shim::ContainerSpec{.id = "x"})),
      FailsWith(Code::kInvalidArgument, "args"));
}

TEST_F(PodTest, TakesASpecTooLargeForOnePacket) {
  StartPod();
  const auto outcome = Run("echo ${#BIG}", [](Setup& setup) {
    setup.spec.process.env.push_back("BIG=" + std::string(100'000, 'x'));
  });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "100000\n");
}

TEST_F(PodTest, FinishesAContainerWhoseGrandchildKeepsTheOutputOpen) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  const auto outcome = Run("setsid sleep 1000 & exit 6",
                           [](Setup& setup) { setup.spec.pid = shim::NamespaceMode::kPod; });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 6);
}

TEST_F(PodTest, RemovesARunningContainerAndAnUnknownOne) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(
        (client_->Call<shim::Empty>(shim::Verb::kRemoveContainer, shim::ContainerRef{"c1"})),
        IsOk());
  }
  EXPECT_THAT((client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{}))->containers,
              IsEmpty());
}

TEST_F(PodTest, LeavesNothingAfterShutdown) {
  StartPod([](auto& spec) {
    spec.network = shim::NamespaceMode::kPod;
    spec.netns_path = "/run/netns/s1";
    spec.pid = shim::NamespaceMode::kPod;
  });
  ASSERT_THAT(CreateContainer("sleep 1000 & exec sleep 1000",
                              [](Setup& setup) { setup.spec.pid = shim::NamespaceMode::kPod; }),
              IsOk());
  const auto started = StartContainer();
  const int32_t reaper = client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{})->reaper_pid;
  ASSERT_GT(reaper, 0);

  ASSERT_THAT(Shutdown(), IsOk());

  EXPECT_EQ(*Reap(shim_.pidfd), 0);
  shim_ = {};
  EXPECT_THAT(ReadStartTime(started->pid), FailsWith(Code::kNotFound, "stat"));
  EXPECT_THAT(ReadStartTime(reaper), FailsWith(Code::kNotFound, "stat"));
  EXPECT_FALSE(std::filesystem::exists("/run/netns/s1"));
  EXPECT_FALSE(std::filesystem::exists(run_dir_ / "sock"));
  EXPECT_TRUE(std::filesystem::exists(exit_));
}

TEST_F(PodTest, EndsItsExecsAtShutdown) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 1000"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  shim::ExecRequest request{.id = "c1"};
  request.process.args = {"/bin/sleep", "1000"};
  const auto serial = client_->Send(shim::Verb::kExec, wire::Encode(request), {});
  ASSERT_THAT(serial, IsOk());
  EXPECT_THAT(Shutdown(), IsOk());
  // It was killed, or came too late to enter: either way it is answered.
  const auto answer = client_->AwaitAnswer(*serial);
  EXPECT_TRUE(answer || answer.error().code() != Code::kUnavailable);
  EXPECT_EQ(*Reap(shim_.pidfd), 0);
  shim_ = {};
}

TEST_F(PodTest, TakesTheSharedPidNamespaceDownWhenTheShimDies) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  const int32_t reaper = client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{})->reaper_pid;
  const auto pidfd = OpenPidfd(reaper);
  ASSERT_THAT(pidfd, IsOk());
  ASSERT_THAT(SendSignal(shim_.pidfd, SIGKILL), IsOk());
  pollfd ended{pidfd->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 5000), 1);
}

// Nothing can be started in what is left.
TEST_F(PodTest, EndsWhenTheFirstProcessOfItsPidNamespaceDies) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  ASSERT_THAT(CreateContainer("exec sleep 1000",
                              [](Setup& setup) { setup.spec.pid = shim::NamespaceMode::kPod; }),
              IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  const int32_t reaper = client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{})->reaper_pid;
  ASSERT_EQ(::kill(reaper, SIGKILL), 0);
  const auto exit = client_->AwaitExit();
  ASSERT_THAT(exit, IsOk());
  EXPECT_EQ(exit->exit_code, 137);
  pollfd ended{shim_.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
}

}  // namespace
}  // namespace trivet
