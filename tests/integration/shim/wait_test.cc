#include <sys/socket.h>

#include <csignal>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "common/linux/pipe.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/processes.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::trivet::testing::Eventually;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::ShimClient;

std::filesystem::path Shim() {
  return testing::BinDirectory() / "trivet-shim";
}

// A shim that is there before its pod is known.
class WaitTest : public testing::ShimTest {
 protected:
  void StartWaiting() {
    auto sockets = MakeSocketPair(SOCK_STREAM);
    auto err = MakePipe();
    ASSERT_THAT(sockets, IsOk());
    ASSERT_THAT(err, IsOk());
    auto shim = StartCommand(
        {.program = Shim(), .args = {"--run-dir", run_dir_.native(), "--ready-fd", "3", "--wait"}},
        {{2, err->writer.get()}, {3, sockets->theirs.get()}});
    ASSERT_THAT(shim, IsOk());
    shim_ = std::move(*shim);
    socket_ = std::move(sockets->ours);
    err_ = std::move(err->reader);
    ASSERT_TRUE(Eventually([&] {
      const auto waiting = testing::FindChildren(::getpid(), "--wait");
      return waiting.size() == 1 && testing::IsWaitingShim(waiting.front());
    }));
  }
  // What it says then.
  [[nodiscard]] std::string Begin() const {
    EXPECT_EQ(::send(socket_.get(), "x", 1, MSG_NOSIGNAL), 1);
    return ReadAll(socket_.get(), "socket").value_or("no end");
  }
  void WriteSpec() const {
    const shim::SandboxSpec spec{.id = "s1",
                                 .hostname = "pod-host",
                                 .network = shim::NamespaceMode::kNode,
                                 .pid = shim::NamespaceMode::kContainer};
    ASSERT_THAT(WriteFileVolatile(run_dir_ / "spec", wire::Encode(spec)), IsOk());
  }
  std::optional<int> ExitCode() {
    auto code = Reap(shim_.pidfd, seconds(20)).value_or(std::nullopt);
    if (code) shim_ = {};
    return code;
  }

  UniqueFd socket_;
  UniqueFd err_;
};

TEST_F(WaitTest, EndsInSilenceWithTheSocketAndMakesNoFile) {
  StartWaiting();
  socket_.reset();
  EXPECT_THAT(ExitCode(), Optional(0));
  EXPECT_EQ(*ReadAll(err_.get(), "stderr"), "");
  EXPECT_THAT(*ListDirectory(run_dir_), IsEmpty());
}

TEST_F(WaitTest, NeedsNoFolderUntilItGoesOn) {
  std::filesystem::remove(run_dir_);
  StartWaiting();
  EXPECT_FALSE(std::filesystem::exists(run_dir_));
  std::filesystem::create_directories(run_dir_);
  WriteSpec();
  EXPECT_EQ(Begin(), "ready\n");
}

TEST_F(WaitTest, IsThePodOfTheSpecThatWasWrittenMeanwhile) {
  StartWaiting();
  WriteSpec();
  EXPECT_EQ(Begin(), "ready\n");
  auto client = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT(client, IsOk());
  client_ = std::move(*client);
  EXPECT_THAT((client_->Call<shim::State>(shim::Verb::kHello, shim::Empty{})), IsOk());
  EXPECT_EQ(Run("hostname")->out, "pod-host\n");
  EXPECT_EQ(*ReadFile(run_dir_ / "pid"), fmt::format("{}\n", shim_.pid));
}

TEST_F(WaitTest, SaysOnTheSocketWhyItGivesUp) {
  StartWaiting();
  EXPECT_THAT(Begin(), HasSubstr("spec: No such file"));
  EXPECT_THAT(ExitCode(), Optional(1));
}

TEST_F(WaitTest, EndsBySigtermWhileItWaits) {
  StartWaiting();
  EXPECT_THAT(SendSignal(shim_.pidfd, SIGTERM), IsOk());
  EXPECT_THAT(ExitCode(), Optional(128 + SIGTERM));
}

TEST_F(WaitTest, IsWrongUsageWithoutTheSocket) {
  const auto output =
      RunCommand({.program = Shim(), .args = {"--run-dir", run_dir_.native(), "--wait"}}, {},
                 {.timeout = seconds(5)});
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->exit_code, 1);
  EXPECT_THAT(output->err, HasSubstr("--ready-fd for --wait"));
  EXPECT_THAT(*ListDirectory(run_dir_), IsEmpty());
}

}  // namespace
}  // namespace trivet
