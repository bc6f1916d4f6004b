#include <sys/mount.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

class ContainerTest : public testing::ShimTest {};

TEST_F(ContainerTest, RunsAProgramAndKeepsItsOutputAndExitCode) {
  StartPod();
  const auto outcome = Run("echo hello; echo again; exit 7");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 7);
  EXPECT_EQ(outcome->out, "hello\nagain\n");
}

TEST_F(ContainerTest, WritesTheExitRecordBeforeItTells) {
  StartPod();
  ASSERT_THAT(Run("exit 3"), IsOk());
  const auto record = wire::Decode<shim::ExitRecord>(*ReadFile(exit_));
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->exit_code, 3);
  EXPECT_EQ(record->id, "c1");
}

TEST_F(ContainerTest, ReportsAKillAs128PlusTheSignal) {
  StartPod();
  ASSERT_THAT(CreateContainer("sleep 100"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  ASSERT_THAT((client_->Call<shim::Empty>(shim::Verb::kSignalContainer,
                                          shim::SignalRequest{.id = "c1", .signal = 9})),
              IsOk());
  EXPECT_EQ(client_->AwaitExit()->exit_code, 137);
}

TEST_F(ContainerTest, NamesTheStepAndTheProgramThatIsNotThere) {
  StartPod();
  EXPECT_THAT(
      Run("", [](Setup& setup) { setup.spec.process.args = {"/bin/nope"}; }),
      FailsWith(Code::kNotFound, "container init: execve /bin/nope: No such file or directory"));
}

TEST_F(ContainerTest, SearchesThePathInsideTheRoot) {
  StartPod();
  EXPECT_THAT(Run("", [](Setup& setup) { setup.spec.process.args = {"true"}; }), IsOk());
}

TEST_F(ContainerTest, SaysThatAProgramIsNotInThePath) {
  StartPod();
  EXPECT_THAT(Run("", [](Setup& setup) { setup.spec.process.args = {"no-such-program"}; }),
              FailsWith(Code::kNotFound, "executable file not found in $PATH"));
}

TEST_F(ContainerTest, EndsWithCode128WhenItsStartFails) {
  StartPod();
  EXPECT_FALSE(Run("", [](Setup& setup) { setup.spec.process.args = {"/bin/nope"}; }).has_value());
  EXPECT_EQ(client_->AwaitExit()->exit_code, 128);
}

TEST_F(ContainerTest, StartsOnlyOnce) {
  StartPod();
  ASSERT_THAT(Run("true"), IsOk());
  EXPECT_THAT(StartContainer(), FailsWith(Code::kFailedPrecondition, "started before"));
}

TEST_F(ContainerTest, IsPidOneInANamespaceOfItsOwn) {
  StartPod();
  EXPECT_EQ(Run("echo $$")->out, "1\n");
}

TEST_F(ContainerTest, SharesThePodsPidNamespaceWithTheReaperAsPidOne) {
  StartPod([](auto& spec) { spec.pid = shim::NamespaceMode::kPod; });
  const auto outcome =
      Run("cat /proc/1/comm", [](Setup& setup) { setup.spec.pid = shim::NamespaceMode::kPod; });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "trivet-pause\n");
}

TEST_F(ContainerTest, SeesTheNodesProcessesWithTheNodesPidNamespace) {
  StartPod();
  const auto outcome = Run("readlink /proc/self/ns/pid",
                           [](Setup& setup) { setup.spec.pid = shim::NamespaceMode::kNode; });
  EXPECT_EQ(outcome->out, std::filesystem::read_symlink("/proc/self/ns/pid").native() + "\n");
}

TEST_F(ContainerTest, HasThePodsHostName) {
  StartPod();
  EXPECT_EQ(Run("cat /proc/sys/kernel/hostname")->out, "pod-host\n");
}

TEST_F(ContainerTest, RunsAsTheUserWithItsGroups) {
  StartPod();
  const auto outcome = Run("id -u; id -g; id -G", [](Setup& setup) {
    setup.spec.process.uid = 1000;
    setup.spec.process.gid = 1001;
    setup.spec.process.additional_gids = {2000, 3000};
  });
  EXPECT_EQ(outcome->out, "1000\n1001\n1001 2000 3000\n");
}

TEST_F(ContainerTest, HasJustTheCapabilitiesAskedFor) {
  StartPod();
  const auto outcome = Run("grep Cap /proc/self/status", [](Setup& setup) {
    setup.spec.process.bounding_caps = setup.spec.process.effective_caps = 0x421;
  });
  EXPECT_EQ(outcome->out,
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000421\nCapEff:\t0000000000000421\n"
            "CapBnd:\t0000000000000421\nCapAmb:\t0000000000000000\n");
}

TEST_F(ContainerTest, KeepsAmbientCapabilitiesAsAnotherUser) {
  StartPod();
  const auto outcome = Run("grep -E 'CapInh|CapEff|CapAmb' /proc/self/status", [](Setup& setup) {
    setup.spec.process.uid = 1000;
    setup.spec.process.bounding_caps = setup.spec.process.effective_caps = 0x400;
    setup.spec.process.ambient_caps = 0x400;
  });
  EXPECT_EQ(outcome->out,
            "CapInh:\t0000000000000400\nCapEff:\t0000000000000400\nCapAmb:\t0000000000000400\n");
}

TEST_F(ContainerTest, CanBeForbiddenNewPrivileges) {
  StartPod();
  const auto outcome = Run("grep NoNewPrivs /proc/self/status",
                           [](Setup& setup) { setup.spec.process.no_new_privs = true; });
  EXPECT_EQ(outcome->out, "NoNewPrivs:\t1\n");
}

TEST_F(ContainerTest, InheritsNoDescriptorButTheStandardOnes) {
  StartPod();
  EXPECT_EQ(Run("ls /proc/self/fd")->out, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_F(ContainerTest, StartsWithNoSignalBlockedOrIgnored) {
  StartPod();
  EXPECT_EQ(Run("exec grep -E 'SigBlk|SigIgn' /proc/self/status")->out,
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ContainerTest, HasItsOwnSessionAndAnEmptyInput) {
  StartPod();
  EXPECT_EQ(Run("cut -d' ' -f6 /proc/self/stat; cat | wc -c")->out, "1\n0\n");
}

TEST_F(ContainerTest, MakesItsWorkingDirectory) {
  StartPod();
  EXPECT_EQ(Run("pwd", [](Setup& setup) { setup.spec.process.cwd = "/made/here"; })->out,
            "/made/here\n");
}

TEST_F(ContainerTest, CanOpenItsOutputAgainAsAnotherUser) {
  StartPod();
  const auto outcome = Run("echo again > /dev/stdout; echo bad > /dev/stderr",
                           [](Setup& setup) { setup.spec.process.uid = 1000; });
  EXPECT_EQ(outcome->out, "again\nbad\n");
}

TEST_F(ContainerTest, HasATerminalOfItsOwnWhenAskedFor) {
  StartPod();
  const auto outcome = Run("tty; test -c /dev/console && echo console",
                           [](Setup& setup) { setup.spec.process.terminal = true; });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->out, HasSubstr("/dev/pts/0"));
  EXPECT_THAT(outcome->out, HasSubstr("console"));
}

// A daemon closes what it was given: the terminal must not hang up on it.
TEST_F(ContainerTest, KeepsATerminalThatAllHaveClosedUntilTheContainerEnds) {
  StartPod();
  const auto outcome =
      Run("exec </dev/null >/dev/null 2>&1; sleep 0.2; echo back >/dev/console; exit 3",
          [](Setup& setup) { setup.spec.process.terminal = true; });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 3);
  EXPECT_THAT(outcome->out, HasSubstr("back"));
}

TEST_F(ContainerTest, GetsItsResourceLimits) {
  StartPod();
  const auto outcome = Run("ulimit -n", [](Setup& setup) {
    setup.spec.process.rlimits = {{.resource = 7, .soft = 99, .hard = 99}};
  });
  EXPECT_EQ(outcome->out, "99\n");
}

TEST_F(ContainerTest, SharesTheTargetsPidNamespace) {
  StartPod();
  ASSERT_THAT(CreateContainer("exec sleep 100"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  // The target may still be the shell that becomes it.
  ASSERT_THAT(CreateContainer("until grep -qx sleep /proc/1/comm; do :; done; cat /proc/1/comm",
                              [](Setup& setup) {
                                setup.spec.id = "c2";
                                setup.spec.pid = shim::NamespaceMode::kTarget;
                                setup.spec.pid_target = "c1";
                              }),
              IsOk());
  ASSERT_THAT((client_->Call<shim::Started>(shim::Verb::kStartContainer, shim::ContainerRef{"c2"})),
              IsOk());
  ASSERT_EQ(client_->AwaitExit()->id, "c2");
  EXPECT_EQ(LogText(), "sleep\n");
}

TEST_F(ContainerTest, LeavesNoMountOnTheNode) {
  StartPod();
  const std::string before = *ReadFile("/proc/self/mountinfo");
  ASSERT_THAT(CreateContainer("exec sleep 100"), IsOk());
  ASSERT_THAT(Unmount("/run/root"), IsOk());  // the test's own view of the root
  ASSERT_THAT(StartContainer(), IsOk());
  EXPECT_EQ(*ReadFile("/proc/self/mountinfo"), before);
}

}  // namespace
}  // namespace trivet
