#include "common/linux/run_server.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "common/linux/file.h"
#include "common/linux/pipe.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/processes.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using ::trivet::testing::Eventually;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

constexpr size_t kMostRequestBytes = size_t{24} << 10;
constexpr size_t kMostAnswerBytes = size_t{64} << 10;
constexpr const char* kHello = "printf 'trivet run server 1' >&3\n";
constexpr const char* kTakeRequest = "dd bs=70000 count=1 <&3 >/dev/null 2>&1\n";

std::filesystem::path ServedProgram() {
  return testing::BinDirectory().parent_path() / "tests/served_program";
}

std::vector<testing::Process> Servers() {
  return testing::FindChildren(::getpid(), kServeRunsFlag);
}

Command CommandOf(const std::filesystem::path& program) {
  return {.program = program, .environment = std::vector<std::string>{"A=1"}};
}

// The client's side, over servers good and bad.
class RunServerTest : public ::testing::Test {
 protected:
  void Start(const std::filesystem::path& program) {
    auto server = RunServer::Start(program);
    ASSERT_THAT(server, IsOk());
    program_ = program;
    server_ = std::move(*server);
  }
  void StartScript(const std::string& script) {
    const std::filesystem::path file = folder_ / "program";
    ASSERT_THAT(WriteFileVolatile(file, "#!/bin/sh\n" + script, 0755), IsOk());
    Start(file);
  }
  Result<RunOutput> Run(std::string_view input, milliseconds timeout = seconds(20)) {
    return server_->Run(CommandOf(program_), input, timeout);
  }

  testing::TempDirectory folder_;
  std::filesystem::path program_;
  std::unique_ptr<RunServer> server_;
};

TEST_F(RunServerTest, GivesARunItsNameItsInputAndItsEnvironmentAndNoMore) {
  Start(ServedProgram());
  EXPECT_EQ(Run("words")->out, "words");
  EXPECT_EQ(Run("")->out, "");
  EXPECT_EQ(Run(std::string("a\0b", 3))->out, std::string("a\0b", 3));
  EXPECT_EQ(Run("name")->out, program_.native());
  EXPECT_EQ(Run("environment")->out, "A=1\n");
  const Command bare{.program = program_, .environment = std::vector<std::string>{}};
  EXPECT_EQ(server_->Run(bare, "environment", seconds(20))->out, "");
}

// Else a name in CNI_ARGS could be a variable of its own, or the input.
TEST_F(RunServerTest, TakesAVariableUpToAZeroByteAsExecveDoes) {
  Start(ServedProgram());
  const std::string zero(1, '\0');
  const Command odd{.program = program_,
                    .environment = {{"A=1" + zero + "B=2", "", zero + zero + "x", "C=3"}}};
  EXPECT_EQ(server_->Run(odd, "environment", seconds(20))->out, "A=1\nC=3\n");
}

TEST_F(RunServerTest, LetsTheCallerWorkOnceWhileItRuns) {
  Start(ServedProgram());
  int calls = 0;
  const auto meanwhile = [&] { ++calls; };
  EXPECT_EQ(server_->Run(CommandOf(program_), "words", seconds(20), meanwhile)->out, "words");
  EXPECT_EQ(server_->Run(CommandOf(program_), "words", seconds(20), meanwhile)->out, "words");
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(server_->Run(CommandOf(program_), std::string(kMostRequestBytes, 'x'), seconds(20),
                            meanwhile));
  EXPECT_EQ(calls, 2) << "it was not asked";
}

TEST_F(RunServerTest, RunsOnAllProcessorsAfterItWasSentAwayFromTheCallers) {
  Start(ServedProgram());
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  ASSERT_THAT(server_->Run(CommandOf(program_), "words", seconds(20), [] {}), IsOk());
  cpu_set_t after;
  ASSERT_EQ(::sched_getaffinity(Servers().front().pid, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST_F(RunServerTest, TellsAnExitCode) {
  Start(ServedProgram());
  const auto output = Run("fail");
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->exit_code, 7);
  EXPECT_EQ(output->out, "why");
}

TEST_F(RunServerTest, DoesAllRunsInOneProcess) {
  Start(ServedProgram());
  EXPECT_EQ(Run("runs")->out, "1");
  EXPECT_EQ(Run("fail")->exit_code, 7);
  EXPECT_EQ(Run("runs")->out, "3");
}

TEST_F(RunServerTest, TakesARequestUpToItsLimitAndRefusesOneByteMore) {
  Start(ServedProgram());
  const size_t rest =
      kMostRequestBytes - program_.native().size() - sizeof "" - sizeof "A=1" - sizeof "";
  EXPECT_THAT(Run(std::string(rest + 1, 'x')), FailsWith(Code::kOutOfRange, "too much for it"));
  EXPECT_EQ(Run(std::string(rest - sizeof(int32_t), 'x'))->out.size(), rest - sizeof(int32_t));
  // Its answer would have as many bytes and the exit code.
  EXPECT_THAT(Run(std::string(rest, 'x')), IsOk());
}

TEST_F(RunServerTest, IsIdleUntilItEndsWhetherItWasAskedOrNot) {
  Start(ServedProgram());
  EXPECT_FALSE(Eventually([&] { return !server_->IsIdle(); }, milliseconds(200)));
  ASSERT_THAT(Run("words"), IsOk());
  EXPECT_TRUE(server_->IsIdle());
  ASSERT_THAT(Servers(), SizeIs(1));
  ::kill(Servers().front().pid, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !server_->IsIdle(); }));
}

TEST_F(RunServerTest, IsNotIdleWhenItHasEndedBeforeItWasAsked) {
  StartScript("exit 0");
  EXPECT_TRUE(Eventually([&] { return !server_->IsIdle(); }));
  StartScript(std::string(kHello) + "exit 0");
  EXPECT_TRUE(Eventually([&] { return !server_->IsIdle(); }));
}

TEST_F(RunServerTest, IsUnavailableWhenItHasEnded) {
  Start(ServedProgram());
  ASSERT_THAT(Run("words"), IsOk());
  ::kill(Servers().front().pid, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !server_->IsIdle(); }));
  EXPECT_THAT(Run("words"), FailsWith(Code::kUnavailable, "served_program: it has gone"));
}

TEST_F(RunServerTest, IsUnavailableWhenItHasSaidItsHelloAndEnded) {
  StartScript(std::string(kHello) + "exit 0");
  EXPECT_TRUE(Eventually([&] { return !server_->IsIdle(); }));
  EXPECT_THAT(Run("words"), FailsWith(Code::kUnavailable, "program: it has gone"));
  StartScript(std::string(kHello) + "sleep 0.2");
  EXPECT_THAT(Run("words"), FailsWith(Code::kInternal, "program: the process has ended"));
}

TEST_F(RunServerTest, FailsWhenItEndsInTheMidst) {
  Start(ServedProgram());
  EXPECT_THAT(Run("die"), FailsWith(Code::kInternal, "served_program: the process has ended"));
}

TEST_F(RunServerTest, FailsAtTheDeadlineAndEndsWhatItRuns) {
  Start(ServedProgram());
  ASSERT_THAT(Run("words"), IsOk());
  ASSERT_THAT(Servers(), SizeIs(1));
  const pid_t pid = Servers().front().pid;
  EXPECT_THAT(Run("hang", milliseconds(50)), FailsWith(Code::kDeadlineExceeded, "no end in time"));
  EXPECT_EQ(::kill(pid, 0), -1);  // nor is it a zombie: whatever comes next may undo the run
}

TEST_F(RunServerTest, IsNoServerWithoutAHello) {
  for (const bool has_ended : {false, true}) {
    StartScript("exit 0");
    EXPECT_TRUE(!has_ended || Eventually([&] { return !server_->IsIdle(); }));
    EXPECT_THAT(Run("words"), FailsWith(Code::kUnimplemented, "program: it does not serve"));
  }
  StartScript("printf 'good morning' >&3; sleep 100");
  EXPECT_THAT(Run("words"), FailsWith(Code::kUnimplemented, "program: it does not serve"));
  StartScript("sleep 100");
  EXPECT_THAT(Run("words", milliseconds(50)), FailsWith(Code::kDeadlineExceeded, ""));
}

TEST_F(RunServerTest, FailsForAnAnswerThatIsNone) {
  StartScript(std::string(kHello) + kTakeRequest + "printf ab >&3; sleep 100");
  EXPECT_THAT(Run("words"), FailsWith(Code::kInternal, "program: an answer of 2 bytes"));
  StartScript(std::string(kHello) + kTakeRequest + "exit 0");
  EXPECT_THAT(Run("words"), FailsWith(Code::kInternal, "program: the process has ended"));
  Start(ServedProgram());
  EXPECT_THAT(Run("answer 70000 bytes"), FailsWith(Code::kInternal, "an answer of 65537 bytes"));
}

TEST_F(RunServerTest, EndsTheGroupOfWhatItRuns) {
  StartScript("sleep 7777 & echo $! >" + (folder_ / "pid").native() + "; sleep 100");
  ASSERT_TRUE(Eventually([&] { return ReadFile(folder_ / "pid").value_or("").ends_with('\n'); }));
  const pid_t other = std::stoi(*ReadFile(folder_ / "pid"));
  server_.reset();
  EXPECT_TRUE(Eventually([&] {
    const auto words = ReadFile(fmt::format("/proc/{}/cmdline", other));
    return !words || words->empty();  // its new parent may not have reaped it yet
  }));
}

TEST_F(RunServerTest, IsNotStartedFromWhatIsNoProgram) {
  EXPECT_THAT(RunServer::Start(folder_ / "absent"), FailsWith(Code::kNotFound, "absent"));
  EXPECT_THAT(Servers(), IsEmpty());
}

// The server's side, by packets as they are.
class ServeRunsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto sockets = MakeSocketPair(SOCK_SEQPACKET);
    ASSERT_THAT(sockets, IsOk());
    auto server = StartCommand({.program = ServedProgram(), .args = {std::string(kServeRunsFlag)}},
                               {{RunServer::kSocketFd, sockets->theirs.get()}});
    ASSERT_THAT(server, IsOk());
    server_ = std::move(*server);
    socket_ = std::move(sockets->ours);
    ASSERT_EQ(Receive(), kRunServerHello);
  }
  [[nodiscard]] std::string Receive() const {
    std::string text(2 * kMostAnswerBytes, '\0');
    const ssize_t n = ::recv(socket_.get(), text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
  }
  void Send(const std::string& packet) const {
    EXPECT_EQ(::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }
  [[nodiscard]] std::optional<int> ExitCode() const {
    return Reap(server_.pidfd, seconds(20)).value_or(std::nullopt);
  }
  static std::string Zero() { return {'\0'}; }
  static std::string Success(const std::string& output) {
    return std::string(sizeof(int32_t), '\0') + output;
  }

  UniqueFd socket_;
  Child server_;
};

TEST_F(ServeRunsTest, AnswersOneAfterTheOther) {
  Send("name" + Zero() + "A=1" + Zero() + Zero() + "words");
  Send("name" + Zero() + Zero());
  EXPECT_EQ(Receive(), Success("words"));
  EXPECT_EQ(Receive(), Success(""));
  socket_.reset();
  EXPECT_THAT(ExitCode(), Optional(0));
}

TEST_F(ServeRunsTest, EndsWithItsClient) {
  socket_.reset();
  EXPECT_THAT(ExitCode(), Optional(0));
}

TEST_F(ServeRunsTest, EndsAtWhatIsNoRequest) {
  Send("name" + Zero() + "A=1");  // without its end
  EXPECT_EQ(Receive(), "");
  EXPECT_THAT(ExitCode(), Optional(0));
}

TEST_F(ServeRunsTest, EndsAtARequestWithoutAName) {
  Send(Zero() + "words");
  EXPECT_EQ(Receive(), "");
  EXPECT_THAT(ExitCode(), Optional(0));
}

}  // namespace
}  // namespace trivet
