#include "cri-runtime/container/exec_sync.h"

#include <csignal>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/unit/cri/fake_shim.h"

namespace trivet::container {
namespace {

using cri::FakeShim;
using cri::Packet;
using testing::FailsWith;
using testing::IsOk;

class RunExecTest : public ::testing::Test {
 protected:
  Result<ExecOutput> RunWith(const std::function<void(int fd, const Packet& request)>& exec) {
    FakeShim shim([&](int fd) {
      Packet request;
      if (FakeShim::Await(fd, request)) exec(fd, request);
      FakeShim::Await(fd, request);
    });
    auto reactor = cri::ShimReactor::Start(
        {.container_exited = [](const auto&) {}, .shim_gone = [](const auto&) {}});
    auto connection = (*reactor)->Connect("s", shim.socket());
    auto result = RunExec(**connection, "c", {.args = {"true"}}, std::chrono::seconds(1));
    (*reactor)->Drop("s");
    connection->reset();
    return result;
  }
};

// A packet keeps its first descriptor only: standard output.
TEST_F(RunExecTest, CollectsWhatTheProgramWrites) {
  const auto output = RunWith([](int fd, const Packet& request) {
    ASSERT_THAT(WriteAll(request.body_fd.get(), "hello\n", "stdout"), IsOk());
    FakeShim::Answer(fd, request, shim::ExecResult{.exit_code = 3});
  });
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out, "hello\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST_F(RunExecTest, DropsWhatTheKubeletWouldNotTake) {
  const auto output = RunWith([](int fd, const Packet& request) {
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 17; ++i) {
      ASSERT_THAT(WriteAll(request.body_fd.get(), piece, "stdout"), IsOk());
    }
    FakeShim::Answer(fd, request, shim::ExecResult{});
  });
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->out.size(), (size_t{16} << 20) - 4096);
}

TEST_F(RunExecTest, EndsWithTheProgramAlsoWhenItsChildKeepsTheStreamOpen) {
  UniqueFd kept;
  const auto output = RunWith([&](int fd, const Packet& request) {
    kept = UniqueFd(::dup(request.body_fd.get()));
    FakeShim::Answer(fd, request, shim::ExecResult{});
  });
  EXPECT_THAT(output, IsOk());
}

TEST_F(RunExecTest, EndsWithTheProgramAlsoWhenItsChildrenWriteForEver) {
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<std::thread> writers;
  const auto output = RunWith([&](int fd, const Packet& request) {
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([kept = UniqueFd(::dup(request.body_fd.get()))] {
        const std::string piece(4096, 'y');
        while (::write(kept.get(), piece.data(), piece.size()) > 0) {
        }
      });
    }
    FakeShim::Answer(fd, request, shim::ExecResult{});
  });
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(output, IsOk());
}

TEST_F(RunExecTest, IsDeadlineExceededWhenTheProgramWasKilledForTime) {
  EXPECT_THAT(RunWith([](int fd, const Packet& request) {
                FakeShim::Answer(fd, request, shim::ExecResult{.timed_out = true});
              }),
              FailsWith(Code::kDeadlineExceeded, "no end within 1 s"));
}

}  // namespace
}  // namespace trivet::container
