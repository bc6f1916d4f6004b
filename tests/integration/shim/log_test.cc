#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

class LogTest : public testing::ShimTest {
 protected:
  Result<shim::Empty> Reopen() {
    return client_->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{"c1"});
  }
};

TEST_F(LogTest, HasTheCriFormat) {
  StartPod();
  ASSERT_THAT(Run("echo out; echo err >&2; printf rest"), IsOk());
  EXPECT_THAT(Log(), HasSubstr(" stderr F err\n"));
  std::istringstream lines(Log());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z "
                                   "(stdout F out|stderr F err|stdout P rest)"));
  }
}

TEST_F(LogTest, IsReadableByTheGroupOnly) {
  StartPod();
  ASSERT_THAT(Run("true"), IsOk());
  struct stat status{};
  ASSERT_EQ(::stat(log_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(LogTest, KeepsEveryByteOfALargeOutput) {
  StartPod();
  const auto outcome = Run("head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 100000");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::ranges::count(outcome->out, 'x'), 3'000'000);
  EXPECT_TRUE(outcome->out.ends_with("\n99999\n100000\n"));
}

TEST_F(LogTest, RefusesALinkAsItsFile) {
  StartPod();
  ASSERT_EQ(::symlink("/run/victim", log_.c_str()), 0);
  EXPECT_FALSE(Run("echo x").has_value());
  EXPECT_FALSE(std::filesystem::exists("/run/victim"));
}

TEST_F(LogTest, GoesOnInANewFileAfterARotationWithoutLosingALine) {
  StartPod();
  ASSERT_THAT(CreateContainer("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done"), IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  ASSERT_TRUE(LogSays("100\n"));
  std::filesystem::rename(log_, "/run/c1.log.1");
  ASSERT_THAT(Reopen(), IsOk());
  ASSERT_THAT(client_->AwaitExit(), IsOk());

  const std::string second = LogText();
  std::filesystem::rename("/run/c1.log.1", log_);
  const std::string both = LogText() + second;
  std::string expected;
  for (int i = 0; i < 20000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(both, expected);
}

TEST_F(LogTest, KeepsTheOldFileWhenANewOneCannotBeMade) {
  StartPod();
  std::filesystem::create_directories("/run/logs");
  ASSERT_THAT(CreateContainer("while true; do echo tick; sleep 0.01; done",
                              [](Setup& setup) { setup.spec.log_path = "/run/logs/c1.log"; }),
              IsOk());
  ASSERT_THAT(StartContainer(), IsOk());
  std::filesystem::rename("/run/logs", "/run/moved");
  EXPECT_THAT(Reopen(), FailsWith(Code::kNotFound, "open log"));
  log_ = "/run/moved/c1.log";
  const size_t size = Log().size();
  for (int i = 0; i < 1000 && Log().size() == size; ++i) ::usleep(5000);
  EXPECT_GT(Log().size(), size);
  EXPECT_FALSE(std::filesystem::exists("/run/logs"));
}

TEST_F(LogTest, CannotBeReopenedWhenTheContainerDoesNotRun) {
  StartPod();
  ASSERT_THAT(CreateContainer("true"), IsOk());
  EXPECT_THAT(Reopen(), FailsWith(Code::kFailedPrecondition, "not running"));
}

TEST_F(LogTest, IsDiscardedWithoutAPath) {
  StartPod();
  const auto outcome = Run("seq 100000", [](Setup& setup) { setup.spec.log_path.clear(); });
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->exit.exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(log_));
}

}  // namespace
}  // namespace trivet
