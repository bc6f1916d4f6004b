#include "common/linux/spawn.h"

#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using namespace std::chrono_literals;

Result<SpawnOutcome> Shell(std::string script, std::chrono::milliseconds deadline = 10s) {
  return Spawn({.argv = {"sh", "-c", std::move(script)}, .deadline = deadline});
}

TEST(Spawn, ReturnsTheExitStatusAndWhatTheProgramSaid) {
  const auto outcome = Shell("echo out; echo err >&2; exit 3");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_status, 3);
  EXPECT_EQ(outcome->output, "out\nerr\n");
}

TEST(Spawn, NamesAProgramThatIsNotThere) {
  EXPECT_THAT(Spawn({.argv = {"no-such-program"}, .deadline = 1s}),
              FailsWith(Code::kNotFound, "run no-such-program"));
}

TEST(Spawn, KillsTheWholeGroupAtTheDeadline) {
  EXPECT_THAT(Shell("sleep 60 & sleep 60", 50ms), FailsWith(Code::kDeadlineExceeded, "50 ms"));
}

TEST(Spawn, DropsOutputBeyondTheLimitAndStillReadsIt) {
  const auto outcome = Spawn({.argv = {"sh", "-c", "head -c 1000000 /dev/zero"},
                              .deadline = 10s,
                              .output_limit_bytes = 10});

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_status, 0);
  EXPECT_EQ(outcome->output.size(), 10U);
}

TEST(Spawn, DoesNotWaitForAGrandchildThatKeepsTheOutputOpen) {
  EXPECT_THAT(Shell("sleep 5 & exit 0", 2s), IsOk());
}

TEST(Spawn, GivesTheProgramNoDescriptorOfOurs) {
  const auto outcome = Shell("ls /proc/self/fd | wc -l");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->output, "4\n");  // three, and the one ls reads the folder with
}

TEST(Spawn, ReportsASignalAsAShellDoes) {
  const auto outcome = Shell("kill -TERM $$");

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit_status, 128 + 15);
}

TEST(SpawnChecked, QuotesTheLastLineOfAFailure) {
  EXPECT_THAT(
      SpawnChecked({.argv = {"sh", "-c", "echo one; echo two >&2; exit 1"}, .deadline = 5s}),
      FailsWith(Code::kInternal, "run sh: exit status 1: two"));
}

}  // namespace
}  // namespace trivet
