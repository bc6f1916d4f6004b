#include "cri-runtime/cni/own_plugins.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "common/linux/file.h"
#include "common/linux/process.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/processes.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using testing::Eventually;
using testing::FailsWith;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

const std::vector<std::string> kVersion = {"CNI_COMMAND=VERSION"};

std::vector<pid_t> Servers() {
  std::vector<pid_t> pids;
  for (const auto& server : testing::FindChildren(::getpid(), kServeRunsFlag)) {
    pids.push_back(server.pid);
  }
  return pids;
}

// Its descriptors are closed when this returns: its command line is empty before that.
void KillServer() {
  ASSERT_THAT(Servers(), SizeIs(1));
  const auto server = OpenPidfd(Servers().front());
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT(SendSignal(*server, SIGKILL), IsOk());
  pollfd ended{.fd = server->get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
}

// A program with the name of trivet-cni, by a plugin's name in a folder of the test's own.
class OwnPluginsTest : public ::testing::Test {
 protected:
  OwnPluginsTest() {
    Install(testing::BinDirectory() / "trivet-cni");
    std::filesystem::create_symlink("trivet-cni", plugin_);
  }
  void Install(const std::filesystem::path& program) {
    std::filesystem::copy_file(program, folder_ / "new");
    std::filesystem::rename(folder_ / "new", folder_ / "trivet-cni");
  }
  // What its runs do is their input's to say (tests/integration/linux/served_program.cc).
  void InstallServedProgram() {
    Install(testing::BinDirectory().parent_path() / "tests/served_program");
  }
  void InstallScript(const std::string& script) {
    ASSERT_THAT(WriteFileVolatile(folder_ / "trivet-cni", "#!/bin/sh\n" + script, 0755), IsOk());
  }

  Result<RunOutput> Run(OwnPlugins& own, const std::string& input,
                        const std::vector<std::string>& environment = kVersion,
                        milliseconds timeout = seconds(20)) {
    return own.Run({.program = plugin_, .environment = environment}, input, timeout, {});
  }
  Result<RunOutput> AskVersion(OwnPlugins& own) { return Run(own, kConfig); }
  // Long enough for others to need servers of their own.
  void HeldRun(OwnPlugins& own, microseconds time) {
    const auto wait = [&] {
      std::this_thread::sleep_for(time);
      return Result<>();
    };
    const Command plugin{.program = plugin_, .environment = kVersion};
    EXPECT_THAT(own.Run(plugin, kConfig, seconds(20), {.may_begin = wait}), IsOk());
  }
  // In a process that ends.
  Result<RunOutput> Execute(const std::vector<std::string>& environment) {
    return RunCommand({.program = plugin_, .environment = environment}, kConfig);
  }

  static constexpr const char* kConfig = R"({"cniVersion": "1.1.0", "name": "n"})";
  testing::TempDirectory folder_;
  const std::filesystem::path plugin_ = folder_ / "bridge";
};

TEST_F(OwnPluginsTest, AreKnownByTheFileThatALinkLeadsTo) {
  OwnPlugins own;
  EXPECT_TRUE(own.Has(plugin_));
  EXPECT_FALSE(own.Has("/bin/true"));
  EXPECT_FALSE(own.Has(folder_ / "absent"));
  std::filesystem::remove(plugin_);
  std::filesystem::create_symlink("/bin/true", plugin_);
  EXPECT_FALSE(own.Has(plugin_));
}

TEST_F(OwnPluginsTest, AnswerFromOneProcessAsWhenTheyAreExecuted) {
  OwnPlugins own;
  const auto executed = Execute(kVersion);
  ASSERT_THAT(executed, IsOk());
  EXPECT_THAT(executed->out, HasSubstr("supportedVersions"));
  std::vector<pid_t> server;
  for (int i = 0; i < 3; ++i) {
    const auto output = AskVersion(own);
    ASSERT_THAT(output, IsOk());
    EXPECT_EQ(output->out, executed->out);
    EXPECT_EQ(output->exit_code, 0);
    if (i == 0) server = Servers();
    EXPECT_EQ(Servers(), server);
  }
  EXPECT_THAT(server, SizeIs(1));
}

TEST_F(OwnPluginsTest, TellTheirFailures) {
  OwnPlugins own;
  for (const char* command : {"SOMETHING", "ADD"}) {
    const std::vector<std::string> environment = {std::string("CNI_COMMAND=") + command};
    const auto executed = Execute(environment);
    const auto output = Run(own, kConfig, environment);
    ASSERT_THAT(output, IsOk());
    EXPECT_NE(output->exit_code, 0);
    EXPECT_EQ(output->exit_code, executed->exit_code);
    EXPECT_THAT(output->out, HasSubstr("\"code\""));
    EXPECT_EQ(output->out, executed->out);
  }
  EXPECT_THAT(Servers(), SizeIs(1));
}

TEST_F(OwnPluginsTest, KeepNothingOfARunsEnvironmentForTheNext) {
  OwnPlugins own;
  ASSERT_EQ(AskVersion(own)->exit_code, 0);
  const auto output = Run(own, kConfig, {});
  ASSERT_THAT(output, IsOk());
  EXPECT_NE(output->exit_code, 0);
  EXPECT_THAT(output->out, HasSubstr("CNI_COMMAND"));
  EXPECT_EQ(output->out, Execute({})->out);
  EXPECT_EQ(AskVersion(own)->exit_code, 0);
  EXPECT_THAT(Servers(), SizeIs(1));
}

TEST_F(OwnPluginsTest, HaveTheRunsEnvironmentAndNotOurs) {
  InstallServedProgram();
  OwnPlugins own;
  EXPECT_EQ(Run(own, "environment", {"A=1", "B=2"})->out, "A=1\nB=2\n");
  EXPECT_EQ(Run(own, "environment", {"A=2"})->out, "A=2\n");
  EXPECT_EQ(Run(own, "environment", {})->out, "");
}

TEST_F(OwnPluginsTest, AreLoadedWhileTheRunMayNotBegin) {
  OwnPlugins own;
  const auto wait = [] {
    EXPECT_TRUE(Eventually([] { return Servers().size() == 1; }));
    return Result<>();
  };
  const Command plugin{.program = plugin_, .environment = kVersion};
  EXPECT_THAT(own.Run(plugin, kConfig, seconds(20), {.may_begin = wait}), IsOk());
}

TEST_F(OwnPluginsTest, DoNothingForARunThatMayNotBeginAndAreKept) {
  OwnPlugins own;
  const auto run = [&] {
    const auto may_not = []() {
      std::this_thread::sleep_for(milliseconds(200));  // until it has said its hello
      return Result<>(Fail(Code::kUnavailable, "the disk is full"));
    };
    return own.Run({.program = plugin_, .environment = kVersion}, kConfig, seconds(20),
                   {.may_begin = may_not});
  };
  EXPECT_THAT(run(), FailsWith(Code::kUnavailable, "the disk is full"));
  const std::vector<pid_t> server = Servers();
  EXPECT_THAT(server, SizeIs(1));
  EXPECT_THAT(AskVersion(own), IsOk());
  EXPECT_THAT(run(), FailsWith(Code::kUnavailable, "the disk is full"));
  EXPECT_THAT(AskVersion(own), IsOk());
  EXPECT_EQ(Servers(), server);
}

TEST_F(OwnPluginsTest, HaveAnotherServerWhenTheirsWasKilled) {
  OwnPlugins own;
  ASSERT_THAT(AskVersion(own), IsOk());
  KillServer();
  const auto output = AskVersion(own);
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(output->out, HasSubstr("supportedVersions"));
  EXPECT_THAT(Servers(), SizeIs(1));
}

TEST_F(OwnPluginsTest, AreLoadedAgainWhenTheFileIsAnother) {
  OwnPlugins own;
  ASSERT_THAT(AskVersion(own), IsOk());
  const std::vector<pid_t> server = Servers();
  InstallServedProgram();
  EXPECT_EQ(Run(own, "words")->out, "words");
  EXPECT_THAT(Servers(), AllOf(SizeIs(1), Not(server)));
}

TEST_F(OwnPluginsTest, AreExecutedWhenTheFileBecomesAProgramThatDoesNotServe) {
  OwnPlugins own;
  ASSERT_THAT(AskVersion(own), IsOk());
  std::filesystem::remove(folder_ / "trivet-cni");
  InstallScript("echo another");
  const auto output = AskVersion(own);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "another\n");
  EXPECT_THAT(Servers(), IsEmpty());
}

// An earlier trivet-cni, which does not know the flag.
TEST_F(OwnPluginsTest, AreAskedToServeOnce) {
  std::filesystem::remove(folder_ / "trivet-cni");
  InstallScript("[ $# = 0 ] && exec echo $MARK; echo $* >>${0%/*}/tried; exit 1");
  OwnPlugins own;
  for (int i = 0; i < 3; ++i) {
    const auto output = Run(own, kConfig, {"MARK=one"});
    ASSERT_THAT(output, IsOk());
    EXPECT_EQ(output->out, "one\n");
  }
  EXPECT_EQ(*ReadFile(folder_ / "tried"), "--serve-runs\n");
  EXPECT_THAT(Servers(), IsEmpty());
}

// By the kernel for lack of memory, or by somebody.
TEST_F(OwnPluginsTest, AreAskedAgainAfterOneWasKilledBeforeItCouldServe) {
  std::filesystem::remove(folder_ / "trivet-cni");
  InstallScript("[ $# = 0 ] && exec echo $MARK; echo $* >>${0%/*}/tried; kill -9 $$");
  OwnPlugins own;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Run(own, kConfig, {"MARK=one"})->out, "one\n");
  EXPECT_EQ(*ReadFile(folder_ / "tried"), "--serve-runs\n--serve-runs\n");
}

TEST_F(OwnPluginsTest, ShareAProcessWithTheOthersOfTheirList) {
  InstallServedProgram();
  std::filesystem::create_symlink("trivet-cni", folder_ / "portmap");
  OwnPlugins own;
  EXPECT_EQ(Run(own, "name")->out, plugin_.native());
  const Command other{.program = folder_ / "portmap", .environment = kVersion};
  EXPECT_EQ(own.Run(other, "name", seconds(20), {})->out, other.program.native());
  EXPECT_THAT(Servers(), SizeIs(1));
}

TEST_F(OwnPluginsTest, AreExecutedForWhatIsTooLargeForARequestAndStayLoaded) {
  InstallServedProgram();
  OwnPlugins own;
  const std::string large(70'000, 'x');
  EXPECT_EQ(Run(own, large)->out, "executed");
  const std::vector<pid_t> server = Servers();
  EXPECT_THAT(server, SizeIs(1));
  EXPECT_EQ(Run(own, "words")->out, "words");
  EXPECT_EQ(Run(own, "words", {"LARGE=" + large})->out, "executed");
  EXPECT_EQ(Run(own, "words")->out, "words");
  EXPECT_EQ(Servers(), server);
}

TEST_F(OwnPluginsTest, EndAWhileAfterTheLastRun) {
  OwnPlugins own({.idle = milliseconds(300)});
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(AskVersion(own), IsOk());
    EXPECT_THAT(Servers(), SizeIs(1));
    EXPECT_TRUE(Eventually([] { return Servers().empty(); }));
  }
}

// One may be given back at the moment when others are ended.
TEST_F(OwnPluginsTest, EndWheneverTheLastRunWas) {
  OwnPlugins own({.idle = milliseconds(5)});
  for (int i = 0; i < 40; ++i) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&] { HeldRun(own, milliseconds(3)); });
    }
    for (std::thread& thread : threads) thread.join();
    HeldRun(own, microseconds(3000 + 100 * i));
    ASSERT_TRUE(Eventually([] { return Servers().empty(); }, seconds(2))) << i;
  }
}

TEST_F(OwnPluginsTest, LeaveNothingBehind) {
  {
    OwnPlugins own;
    ASSERT_THAT(AskVersion(own), IsOk());
    EXPECT_THAT(Servers(), SizeIs(1));
  }
  EXPECT_THAT(Servers(), IsEmpty());
}

TEST_F(OwnPluginsTest, RunForManyAtOnceAndStayInAFewProcesses) {
  InstallServedProgram();
  OwnPlugins own;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int thread = 0; thread < 16; ++thread) {
    threads.emplace_back([&, thread] {
      for (int run = 0; run < 10; ++run) {
        const std::string words = fmt::format("MARK={}.{}", thread, run);
        const auto output = Run(own, "environment", {words});
        if (output && output->out == words + "\n") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
  EXPECT_THAT(Servers(), SizeIs(AllOf(Ge(1U), Le(8U))));
}

TEST_F(OwnPluginsTest, FailWhenTheServerIsKilledInTheMidstAndRunAgain) {
  InstallServedProgram();
  OwnPlugins own;
  ASSERT_THAT(Run(own, "words"), IsOk());
  EXPECT_THAT(Run(own, "die"), FailsWith(Code::kInternal, "the process has ended"));
  EXPECT_THAT(Servers(), IsEmpty());
  EXPECT_EQ(Run(own, "words")->out, "words");
}

TEST_F(OwnPluginsTest, AreEndedAtTheDeadlineOfARun) {
  InstallServedProgram();
  OwnPlugins own;
  EXPECT_THAT(Run(own, "hang", kVersion, milliseconds(300)),
              FailsWith(Code::kDeadlineExceeded, "bridge: no end in time"));
  EXPECT_THAT(Servers(), IsEmpty());
  EXPECT_EQ(Run(own, "words")->out, "words");
}

TEST_F(OwnPluginsTest, AreRefusedAsByRunCommand) {
  OwnPlugins own;
  const Command absent{.program = folder_ / "absent", .environment = kVersion};
  EXPECT_THAT(own.Run(absent, kConfig, seconds(20), {}), FailsWith(Code::kNotFound, "absent"));
}

}  // namespace
}  // namespace trivet::network
