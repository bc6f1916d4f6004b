#include "cri-runtime/sandbox/loaded_shim.h"

#include <cerrno>
#include <csignal>

#include "common/linux/file.h"
#include "cri-runtime/sandbox/shim_launcher.h"
#include "tests/testing/directories.h"
#include "tests/testing/leak_check.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/processes.h"
#include "tests/testing/shim_client.h"
#include "tests/testing/temp_directory.h"

namespace trivet::sandbox {
namespace {

using ::testing::Contains;
using testing::Eventually;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

// Nor has it ended and waits to be reaped.
bool IsGone(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

// The real trivet-shim, in a folder of the test's own.
class LoadedShimTest : public testing::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::filesystem::create_directories(folder_.parent_path());
    std::filesystem::copy_file(testing::BinDirectory() / "trivet-shim", program_);
    auto opened = ReadOnlyProgram::Open(program_);
    ASSERT_THAT(opened, IsOk());
    read_only_ = std::make_shared<const ReadOnlyProgram>(std::move(*opened));
  }
  Result<LoadedShim> Load() { return LoadedShim::Start(read_only_, program_, folder_); }
  void TearDown() override {
    if (!begun_.pidfd.valid()) return;
    EXPECT_THAT(SendSignal(begun_.pidfd, SIGKILL), IsOk());
    EXPECT_THAT(Reap(begun_.pidfd), IsOk());
  }
  static shim::SandboxSpec Spec() {
    return {.id = "s1",
            .hostname = "pod-host",
            .network = shim::NamespaceMode::kNode,
            .pid = shim::NamespaceMode::kContainer};
  }

  const std::filesystem::path program_ = "/run/trivet-shim";
  const testing::TempDirectory mark_;  // a name that no other test has
  const std::filesystem::path folder_ = "/run" / mark_.path().filename() / "s1";
  std::shared_ptr<const ReadOnlyProgram> read_only_;
  Child begun_;
};

TEST_F(LoadedShimTest, IsNoProcessAndNoFileWhenItIsDroppedUnused) {
  pid_t pid = 0;
  {
    const auto loaded = Load();
    ASSERT_THAT(loaded, IsOk());
    pid = loaded->pid();
    EXPECT_FALSE(IsGone(pid));
  }
  EXPECT_TRUE(IsGone(pid));
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(LoadedShimTest, IsNoProcessWhenItIsDroppedAndDoesNotEnd) {
  pid_t pid = 0;
  {
    const auto loaded = Load();
    ASSERT_THAT(loaded, IsOk());
    pid = loaded->pid();
    ::kill(pid, SIGSTOP);
  }
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(LoadedShimTest, ListensWhenItHasBegunAndIsTheCallersThen) {
  auto loaded = Load();
  ASSERT_THAT(loaded, IsOk());
  const pid_t pid = loaded->pid();
  ASSERT_THAT(loaded->Begin(Spec()), IsOk());
  begun_ = std::move(*loaded).Release();
  EXPECT_EQ(begun_.pid, pid);
  auto client = testing::ShimClient::Connect(folder_ / "sock");
  ASSERT_THAT(client, IsOk());
  EXPECT_THAT((client->Call<shim::State>(shim::Verb::kHello, shim::Empty{})), IsOk());
}

TEST_F(LoadedShimTest, IsNoProcessWhenItIsDroppedAfterItHasBegun) {
  pid_t pid = 0;
  {
    auto loaded = Load();
    ASSERT_THAT(loaded, IsOk());
    ASSERT_THAT(loaded->Begin(Spec()), IsOk());
    pid = loaded->pid();
  }
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(LoadedShimTest, TellsInTheShimsWordsWhyItGaveUp) {
  shim::SandboxSpec spec = Spec();
  spec.sysctls = {"kernel.core_pattern=x"};
  pid_t pid = 0;
  {
    auto loaded = Load();
    ASSERT_THAT(loaded, IsOk());
    pid = loaded->pid();
    EXPECT_THAT(loaded->Begin(spec), FailsWith(Code::kInternal, "kernel.core_pattern"));
  }
  EXPECT_TRUE(IsGone(pid));
}

TEST_F(LoadedShimTest, TellsThatItWasKilledWhileItWaited) {
  auto loaded = Load();
  ASSERT_THAT(loaded, IsOk());
  ::kill(loaded->pid(), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return !loaded->IsGood(*read_only_); }));
  EXPECT_THAT(loaded->Begin(Spec()), FailsWith(Code::kInternal, "it gave up without a word"));
}

TEST_F(LoadedShimTest, IsGoodForItsOwnProgramOnly) {
  const auto loaded = Load();
  ASSERT_THAT(loaded, IsOk());
  EXPECT_TRUE(loaded->IsGood(*read_only_));
  const auto other = ReadOnlyProgram::Open("/bin/true");
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE(loaded->IsGood(*other));
}

TEST_F(LoadedShimTest, IsReplacedByTheLauncherWhenAPackageHasReplacedTheProgram) {
  ShimLauncher launcher;
  auto loaded = launcher.Load(program_, folder_);
  ASSERT_THAT(loaded, IsOk());
  const pid_t pid = loaded->pid();
  std::filesystem::copy_file(program_, "/run/new");
  std::filesystem::rename("/run/new", program_);
  const auto launched = launcher.Launch(program_, folder_, Spec(), std::move(*loaded));
  ASSERT_THAT(launched, IsOk());
  EXPECT_NE(launched->pid, pid);
  EXPECT_TRUE(IsGone(pid));
  EXPECT_THAT(launcher.AwaitEnd(launched->pid, launched->start_time, {}), IsOk());
  EXPECT_TRUE(IsGone(launched->pid));
}

// What a test's check for leaks lets pass: one, not two.
TEST_F(LoadedShimTest, IsNoLeakWhileItWaitsAlone) {
  const testing::LeakScope scope{.process_mark = folder_.parent_path().filename()};
  const auto waits = [](const LoadedShim& shim) {
    for (const auto& process : testing::FindProcesses("--wait")) {
      if (process.pid == shim.pid()) return testing::IsWaitingShim(process);
    }
    return false;
  };
  const auto one = Load();
  ASSERT_THAT(one, IsOk());
  EXPECT_TRUE(Eventually([&] { return waits(*one); }));
  EXPECT_THAT(testing::FindThings(scope), Not(Contains(HasSubstr("trivet-shim"))));
  const auto two = Load();
  ASSERT_THAT(two, IsOk());
  EXPECT_TRUE(Eventually([&] { return waits(*two); }));
  EXPECT_THAT(testing::FindThings(scope), Contains(HasSubstr("process /run/trivet-shim")));
}

}  // namespace
}  // namespace trivet::sandbox
