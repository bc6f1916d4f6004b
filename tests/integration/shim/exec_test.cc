#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// In a container that waits.
class ExecTest : public testing::ShimTest {
 protected:
  void SetUp() override {
    ShimTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    StartPod();
    ASSERT_THAT(
        CreateContainer("", [](Setup& setup) { setup.spec.process.args = {"/bin/sleep", "1000"}; }),
        IsOk());
    ASSERT_THAT(StartContainer(), IsOk());
  }
};

TEST_F(ExecTest, RunsInTheContainersRootAndPidNamespace) {
  const auto outcome = Exec("cat /proc/1/comm; cat /proc/sys/kernel/hostname; echo $$ | wc -l");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result.exit_code, 0);
  EXPECT_EQ(outcome->out, "sleep\npod-host\n1\n");
}

TEST_F(ExecTest, GivesTheExitCode) {
  EXPECT_EQ(Exec("exit 42")->result.exit_code, 42);
  EXPECT_EQ(Exec("kill -9 $$")->result.exit_code, 137);
}

TEST_F(ExecTest, NamesAProgramThatIsNotThere) {
  EXPECT_THAT(Exec("", [](auto& request) { request.process.args = {"/bin/nope"}; }),
              FailsWith(Code::kNotFound, "exec: execve /bin/nope: No such file"));
}

TEST_F(ExecTest, SaysThatTheProgramDidNotRunWhereItIsKilledWithinExecve) {
  const auto outcome = Exec("true", [](auto& request) {
    request.process.seccomp_bpf = FilterAgainst(SYS_execve, SECCOMP_RET_KILL_PROCESS);
  });
  EXPECT_THAT(outcome,
              FailsWith(Code::kAborted, "exec: was killed by signal 31 before its program ran"));
}

TEST_F(ExecTest, AppliesUserCapabilitiesAndNoNewPrivileges) {
  const auto outcome =
      Exec("id -u; grep -E 'CapBnd|NoNewPrivs' /proc/self/status", [](auto& request) {
        request.process.uid = 1000;
        request.process.bounding_caps = request.process.effective_caps = 0;
        request.process.no_new_privs = true;
      });
  EXPECT_EQ(outcome->out, "1000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_F(ExecTest, InheritsNoDescriptorButTheStandardOnes) {
  EXPECT_EQ(Exec("ls /proc/self/fd")->out, "0\n1\n2\n3\n");
}

TEST_F(ExecTest, NeedsAnExistingWorkingDirectory) {
  EXPECT_THAT(Exec("pwd", [](auto& request) { request.process.cwd = "/absent"; }),
              FailsWith(Code::kNotFound, "working directory /absent"));
}

TEST_F(ExecTest, ReadsTheInputItIsGiven) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSERT_THAT(WriteAll(writer.get(), "words\n", "pipe"), IsOk());
  writer.reset();
  shim::ExecRequest request{.id = "c1", .stdin_fd_index = 0};
  request.process.args = {"/bin/sh", "-c", "read word; test $word = words"};
  const auto result = client_->Call<shim::ExecResult>(shim::Verb::kExec, request, {reader.get()});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_code, 0);
}

TEST_F(ExecTest, IsKilledAtItsTimeout) {
  const auto outcome = Exec("sleep 100", [](auto& request) { request.timeout_ms = 50; });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(outcome->result.timed_out);
}

TEST_F(ExecTest, TakesItsWholeTreeWithItAtTheTimeout) {
  const auto outcome = Exec("sleep 7777 & setsid sh -c 'sleep 7778 & sleep 7779 &' ; sleep 7780",
                            [](auto& request) { request.timeout_ms = 200; });
  ASSERT_TRUE(outcome->result.timed_out);
  EXPECT_EQ(Exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 7[7]'")->out, "0\n");
}

// Some of them end, and some are born, between the look at the tree and the signal.
TEST_F(ExecTest, TakesATreeThatChangesAllTheTimeWithItAtTheTimeout) {
  for (int i = 0; i < 10; ++i) {
    const auto outcome = Exec("while :; do /bin/true 7781 & /bin/true 7781; done",
                              [](auto& request) { request.timeout_ms = 20; });
    ASSERT_THAT(outcome, IsOk());
    EXPECT_TRUE(outcome->result.timed_out);
  }
  EXPECT_EQ(Exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '778[1]'")->out, "0\n");
}

TEST_F(ExecTest, AnswersWhileAnotherOneRuns) {
  shim::ExecRequest slow{.id = "c1"};
  slow.process.args = {"/bin/sleep", "0.3"};
  const auto serial = client_->Send(shim::Verb::kExec, wire::Encode(slow), {});
  ASSERT_THAT(serial, IsOk());
  EXPECT_EQ(Exec("exit 5")->result.exit_code, 5);
  EXPECT_THAT(client_->AwaitAnswer(*serial), IsOk());
}

TEST_F(ExecTest, EndsWithItsContainer) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  shim::ExecRequest request{.id = "c1", .stdout_fd_index = 0};
  request.process.args = {"/bin/sh", "-c", "echo running; exec sleep 1000"};
  const auto serial = client_->Send(shim::Verb::kExec, wire::Encode(request), {writer.get()});
  char first = 0;
  ASSERT_EQ(::read(reader.get(), &first, 1), 1);
  ASSERT_THAT((client_->Call<shim::Empty>(shim::Verb::kRemoveContainer, shim::ContainerRef{"c1"})),
              IsOk());
  const auto body = client_->AwaitAnswer(*serial);
  ASSERT_THAT(body, IsOk());
  EXPECT_EQ(wire::Decode<shim::ExecResult>(*body)->exit_code, 137);
}

TEST_F(ExecTest, FailsInAContainerThatHasEnded) {
  ASSERT_THAT((client_->Call<shim::Empty>(shim::Verb::kSignalContainer,
                                          shim::SignalRequest{.id = "c1", .signal = 9})),
              IsOk());
  ASSERT_THAT(client_->AwaitExit(), IsOk());
  EXPECT_THAT(Exec("true"), FailsWith(Code::kFailedPrecondition, "not running"));
}

TEST_F(ExecTest, FailsInAContainerThatDoesNotExist) {
  EXPECT_THAT(Exec("true", [](auto& request) { request.id = "other"; }),
              FailsWith(Code::kNotFound, "other"));
}

}  // namespace
}  // namespace trivet
