#include "common/linux/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "common/linux/command.h"
#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using std::chrono::milliseconds;
using ::testing::Optional;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(Clone3, GivesAChildThatIsReapedByItsPidfd) {
  auto child = Clone3({});
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) ::_exit(7);
  EXPECT_EQ(*Reap(child->pidfd), 7);
}

// Executes /bin/sleep at the end of `go`.
Child CloneSleeper(const std::array<int, 2>& go) {
  auto child = Clone3({.exit_signal = 0});
  if (!child || child->pid != 0) return child ? std::move(*child) : Child{};
  ::close(go[1]);
  char none = 0;
  static_cast<void>(::read(go[0], &none, sizeof none));
  ::execl("/bin/sleep", "sleep", "100", nullptr);
  ::_exit(1);
}

class HasExecutedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe2(go_.data(), O_CLOEXEC), 0);
    child_ = CloneSleeper(go_);
    ::close(go_[0]);
    ASSERT_TRUE(child_.pidfd.valid());
  }
  void AwaitExecve() const {
    ::close(go_[1]);
    for (int i = 0; i < 1000 && !HasExecuted(child_.pidfd); ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
  void AwaitEndBySigkill() const {
    EXPECT_THAT(SendSignal(child_.pidfd, SIGKILL), IsOk());
    pollfd end{child_.pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&end, 1, 10'000), 1);
  }
  std::array<int, 2> go_{};
  Child child_;
};

TEST_F(HasExecutedTest, IsSoOfAProgramThatRunsAndOfOneThatHasEnded) {
  AwaitExecve();
  EXPECT_TRUE(HasExecuted(child_.pidfd));
  AwaitEndBySigkill();
  EXPECT_TRUE(HasExecuted(child_.pidfd));
  EXPECT_EQ(*Reap(child_.pidfd), 137);
}

TEST_F(HasExecutedTest, IsNotSoBeforeExecveNorOfOneThatEndedWithoutIt) {
  EXPECT_FALSE(HasExecuted(child_.pidfd));
  AwaitEndBySigkill();
  EXPECT_FALSE(HasExecuted(child_.pidfd));
  EXPECT_EQ(*Reap(child_.pidfd), 137);
  ::close(go_[1]);
}

TEST(Reap, SaysNothingWhileTheProcessRuns) {
  auto child = StartCommand({.program = "/bin/sleep", .args = {"100"}}, {});
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(*Reap(child->pidfd, milliseconds(10)), std::nullopt);
  EXPECT_THAT(SendSignal(child->pidfd, SIGKILL), IsOk());
  EXPECT_THAT(*Reap(child->pidfd, milliseconds(10'000)), Optional(128 + SIGKILL));
  EXPECT_THAT(SendSignal(child->pidfd, SIGKILL), IsOk());  // gone already
}

TEST(ReadStartTime, IsTheSameAtEachReadAndLaterForALaterProcess) {
  const auto mine = ReadStartTime(::getpid());
  ASSERT_THAT(mine, IsOk());
  EXPECT_EQ(*mine, *ReadStartTime(::getpid()));
  EXPECT_GT(*mine, *ReadStartTime(1));
}

TEST(ReadStartTime, OfNobodyIsNotFound) {
  EXPECT_THAT(ReadStartTime(0x7fffffff), FailsWith(Code::kNotFound, "stat"));
}

TEST(RunCommand, KeepsOutputErrorAndExitCodeApart) {
  const auto output = RunCommand(
      {.program = "/bin/sh", .args = {"-c", "read word; echo $word; echo bad >&2; exit 3"}},
      "in\n");
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "in\n");
  EXPECT_EQ(output->err, "bad\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST(RunCommand, GivesTheEnvironmentAskedForOnly) {
  const auto output = RunCommand(
      {.program = "/usr/bin/env", .args = {}, .environment = std::vector<std::string>{"A=b"}});
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "A=b\n");
}

TEST(RunCommand, PassesInputAndOutputLargerThanAPipe) {
  const std::string big(1 << 20, 'x');
  const auto output = RunCommand({.program = "/bin/cat", .args = {}}, big);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, big);
}

TEST(RunCommand, DropsOutputOverTheLimit) {
  const auto output =
      RunCommand({.program = "/bin/sh", .args = {"-c", "echo 123456789"}}, {}, {.output_bytes = 4});
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "1234");
}

TEST(RunCommand, KillsTheProgramAtTheDeadline) {
  EXPECT_THAT(
      RunCommand({.program = "/bin/sleep", .args = {"100"}}, {}, {.timeout = milliseconds(50)}),
      FailsWith(Code::kDeadlineExceeded, "/bin/sleep"));
}

TEST(RunCommand, NamesAProgramThatIsNotThere) {
  EXPECT_THAT(RunCommand({.program = "/no/such", .args = {}}),
              FailsWith(Code::kNotFound, "/no/such"));
}

const Command kCat{.program = "/bin/cat", .args = {}};

TEST(StartCommand, InheritsNoOtherDescriptor) {
  const int leaked = ::dup(0);  // without close-on-exec
  const auto output = RunCommand({.program = "/bin/ls", .args = {"/proc/self/fd"}});
  ::close(leaked);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST(StartCommand, LeavesNoSignalBlockedOrIgnored) {
  sigset_t blocked;
  sigset_t before;
  sigset_t after;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const auto ignored = ::signal(SIGPIPE, SIG_IGN);
  const auto output =
      RunCommand({.program = "/bin/grep", .args = {"-E", "Sig(Blk|Ign)", "/proc/self/status"}});
  ::signal(SIGPIPE, ignored);
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_TRUE(::sigismember(&after, SIGUSR1));
  EXPECT_FALSE(::sigismember(&after, SIGTERM));
}

TEST(StartCommand, IsASessionOfItsOwnWithNothingToRead) {
  const auto child = StartCommand({.program = "/bin/sh", .args = {"-c", "read x || exit 5"}}, {});
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(::getsid(child->pid), child->pid);
  EXPECT_EQ(*Reap(child->pidfd), 5);
}

// Each child works in the memory of all of them until it executes.
TEST(StartCommand, MayBeCalledByManyThreadsAtOnce) {
  constexpr int kThreads = 8;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, text = std::to_string(thread)] {
      for (int i = 0; i < 20; ++i) {
        const auto missing = StartCommand({.program = "/no/such", .args = {}}, {});
        const auto output = RunCommand({.program = "/bin/echo", .args = {text}});
        if (!missing && output && output->out == text + "\n") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * 20);
}

}  // namespace
}  // namespace trivet
