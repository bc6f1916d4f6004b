#include "cri-runtime/cni/own_plugins.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using std::chrono::milliseconds;
using testing::FailsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kServing = "--serve-forks";

// Of this process, whichever thread has started them.
std::vector<pid_t> ServersOfThisProcess() {
  std::vector<pid_t> servers;
  for (const std::string& name : ListDirectory("/proc").value_or(std::vector<std::string>())) {
    const pid_t pid = std::atoi(name.c_str());
    const auto status = ReadFile("/proc/" + name + "/status");
    if (pid <= 0 || !status) continue;
    if (!status->contains(fmt::format("\nPPid:\t{}\n", ::getpid()))) continue;
    const auto words = ReadFile("/proc/" + name + "/cmdline");
    if (words && words->contains(kServing)) servers.push_back(pid);
  }
  return servers;
}

template <class Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(10));
  return condition();
}

Command CommandOf(const std::filesystem::path& program, const std::string& command) {
  return {.program = program,
          .environment = std::vector<std::string>{"CNI_COMMAND=" + command, "MARK=one"}};
}

// The real trivet-cni, by the name of a plugin in a folder of the test's own.
class OwnPluginsTest : public ::testing::Test {
 protected:
  OwnPluginsTest() {
    std::filesystem::copy(testing::BinDirectory() / "trivet-cni", folder_ / "trivet-cni");
    std::filesystem::create_symlink("trivet-cni", plugin_);
  }

  Result<RunOutput> Run(OwnPlugins& own, const std::string& command = "VERSION") {
    return RunCommand(
        CommandOf(plugin_, command), R"({"cniVersion": "1.1.0"})", {},
        [&](const Command& started, const InheritedFds& fds) { return own.Start(started, fds); });
  }
  // A run that is forked has the words of its server, and waits for its input.
  void RunUntilServed(OwnPlugins& own) {
    ASSERT_TRUE(Eventually([&] {
      std::array<int, 2> ends{};
      if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
      const UniqueFd reader(ends[0]);
      UniqueFd writer(ends[1]);
      const auto child = own.Start(CommandOf(plugin_, "VERSION"),
                                   {{0, reader.get()}, {1, reader.get()}, {2, reader.get()}});
      const bool forked = child && ServersOfThisProcess().size() == 2;
      writer.reset();
      return child && Reap(child->pidfd) && forked;
    }));
  }
  void ReplaceByScript(const std::string& script) {
    ASSERT_THAT(WriteFileVolatile(folder_ / "trivet-cni", "#!/bin/sh\n" + script, 0755), IsOk());
  }

  static constexpr OwnPlugins::Times kAtOnce{.before = milliseconds(0)};
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

TEST_F(OwnPluginsTest, AnswerTheSameFromAServer) {
  OwnPlugins own(kAtOnce);
  const auto first = Run(own);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first->out, HasSubstr("supportedVersions"));
  RunUntilServed(own);
  for (int i = 0; i < 3; ++i) {
    const auto output = Run(own);
    ASSERT_THAT(output, IsOk());
    EXPECT_EQ(output->out, first->out);
    EXPECT_EQ(output->exit_code, 0);
  }
  EXPECT_THAT(ServersOfThisProcess(), SizeIs(1));
}

TEST_F(OwnPluginsTest, TellTheirFailures) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  const auto output = Run(own, "SOMETHING");
  ASSERT_THAT(output, IsOk());
  EXPECT_NE(output->exit_code, 0);
  EXPECT_THAT(output->out, HasSubstr("\"code\""));
}

// It waits for its input meanwhile.
TEST_F(OwnPluginsTest, HaveASessionAnEnvironmentAndThreeDescriptorsOfTheirOwn) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto child = own.Start(CommandOf(plugin_, "SOMETHING"),
                               {{0, reader.get()}, {1, null.get()}, {2, null.get()}});
  ASSERT_THAT(child, IsOk());
  EXPECT_THAT(ServersOfThisProcess(), SizeIs(2));  // a fork has the words of its server
  EXPECT_TRUE(Eventually([&] { return ::getsid(child->pid) == child->pid; }));
  const std::string proc = fmt::format("/proc/{}", child->pid);
  EXPECT_TRUE(Eventually([&] { return ListDirectory(proc + "/fd")->size() == 3; }));
  writer.reset();
  EXPECT_NE(*Reap(child->pidfd), 0);  // no such command
}

TEST_F(OwnPluginsTest, RunWithoutTheirServerWhenItWasKilled) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  ASSERT_EQ(::kill(ServersOfThisProcess().front(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([] { return ServersOfThisProcess().empty(); }));
  const auto output = Run(own);
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(output->out, HasSubstr("supportedVersions"));
}

TEST_F(OwnPluginsTest, HaveAnotherServerWhenTheirsWasKilled) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  ASSERT_EQ(::kill(ServersOfThisProcess().front(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([] { return ServersOfThisProcess().empty(); }));
  RunUntilServed(own);
}

// Which an environment that is too large for a request does not cost.
TEST_F(OwnPluginsTest, AreExecutedForAnEnvironmentThatIsTooLarge) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  Command command = CommandOf(plugin_, "VERSION");
  command.environment->push_back("LARGE=" + std::string(40'000, 'x'));
  const auto output = RunCommand(
      command, R"({"cniVersion": "1.1.0"})", {},
      [&](const Command& started, const InheritedFds& fds) { return own.Start(started, fds); });
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(output->out, HasSubstr("supportedVersions"));
  EXPECT_THAT(ServersOfThisProcess(), SizeIs(1));
}

TEST_F(OwnPluginsTest, AreLoadedAgainWhenTheFileIsAnother) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  ReplaceByScript("echo another");
  const auto output = Run(own);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "another\n");
}

// An earlier trivet-cni, which does not know the flag.
TEST_F(OwnPluginsTest, NeedNoServer) {
  ReplaceByScript("echo $MARK $*");
  OwnPlugins own(kAtOnce);
  for (int i = 0; i < 5; ++i) {
    const auto output = Run(own);
    ASSERT_THAT(output, IsOk());
    EXPECT_EQ(output->out, "one\n");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_THAT(ServersOfThisProcess(), IsEmpty());
}

TEST_F(OwnPluginsTest, AreNotKeptWhenTheyAreNotRun) {
  OwnPlugins own({.before = milliseconds(0), .idle = milliseconds(300)});
  RunUntilServed(own);
  EXPECT_TRUE(Eventually([] { return ServersOfThisProcess().empty(); }));
  ASSERT_THAT(Run(own), IsOk());
  EXPECT_TRUE(Eventually([] { return !ServersOfThisProcess().empty(); }));
}

TEST_F(OwnPluginsTest, LeaveNothingBehind) {
  {
    OwnPlugins own(kAtOnce);
    RunUntilServed(own);
  }
  EXPECT_THAT(ServersOfThisProcess(), IsEmpty());
}

TEST_F(OwnPluginsTest, DoNotBeginToBeKeptWhenAllEnds) {
  {
    OwnPlugins own({.before = std::chrono::hours(1)});
    ASSERT_THAT(Run(own), IsOk());
  }
  EXPECT_THAT(ServersOfThisProcess(), IsEmpty());
}

TEST_F(OwnPluginsTest, AreStartedByManyAtOnce) {
  OwnPlugins own(kAtOnce);
  RunUntilServed(own);
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int run = 0; run < 10; ++run) {
        const auto output = Run(own);
        if (output && output->exit_code == 0) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * 10);
}

TEST_F(OwnPluginsTest, AreRefusedWithoutAServerAsByStartCommand) {
  OwnPlugins own(kAtOnce);
  EXPECT_THAT(own.Start({.program = folder_ / "absent"}, {}), FailsWith(Code::kNotFound, "absent"));
}

}  // namespace
}  // namespace trivet::network
