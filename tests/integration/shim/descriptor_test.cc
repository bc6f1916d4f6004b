#include <sys/resource.h>

#include <algorithm>
#include <set>
#include <thread>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shim_pod.h"

namespace trivet {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Eq;
using ::testing::Not;
using ::testing::StartsWith;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::ShimClient;

// A shim with no room for one more descriptor.
class DescriptorTest : public testing::ShimTest {
 protected:
  // As many as are open, and `more`: the next number that is free then is out of bounds.
  void AllowOpenFiles(rlim_t more) {
    const auto names = ListDirectory("/proc/" + std::to_string(shim_.pid) + "/fd");
    ASSERT_THAT(names, IsOk());
    std::set<rlim_t> open;
    for (const std::string& name : *names) open.insert(std::stoul(name));
    rlim_t end = 0;
    for (rlim_t left = more; open.contains(end) || left-- > 0;) ++end;
    const rlimit limit{end, 4096};
    ASSERT_EQ(::prlimit(shim_.pid, RLIMIT_NOFILE, &limit, nullptr), 0);
  }
  // What they are; not those that the shim was started with.
  std::vector<std::string> OpenFiles() {
    std::vector<std::string> files;
    const std::filesystem::path fds = fmt::format("/proc/{}/fd", shim_.pid);
    const auto numbers = ListDirectory(fds);
    for (const std::string& number : *numbers) {
      std::error_code gone;
      if (std::stoi(number) > 2) files.push_back(std::filesystem::read_symlink(fds / number, gone));
    }
    return files;
  }
  void AllowManyOpenFiles() { AllowOpenFiles(1000); }

  // Of a processor, in clock ticks. Source: man 5 proc, fields 14 and 15 of stat.
  [[nodiscard]] uint64_t Ticks() const {
    const std::string stat = *ReadFile("/proc/" + std::to_string(shim_.pid) + "/stat");
    unsigned long user = 0;
    unsigned long system = 0;
    const char* rest = stat.c_str() + stat.rfind(')') + 2;
    EXPECT_EQ(
        std::sscanf(rest, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
        2);
    return user + system;
  }
};

TEST_F(DescriptorTest, AnswersARequestWhoseDescriptorsFindNoRoom) {
  StartPod();
  AllowOpenFiles(1);
  EXPECT_THAT(CreateContainer("echo words"),
              FailsWith(Code::kResourceExhausted, "too many files are open"));
  AllowManyOpenFiles();
  const auto outcome = Run("echo words");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->out, "words\n");
}

TEST_F(DescriptorTest, KeepsNothingForAProcessThatFoundNoRoomBeforeTheStart) {
  StartPod();
  AllowOpenFiles(8);
  ASSERT_THAT(CreateContainer("echo words"), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(*ReadFile(fmt::format("/proc/{0}/task/{0}/children", shim_.pid)), "");
  EXPECT_THAT(OpenFiles(), Each(Not(AnyOf(StartsWith("pipe:"), Eq(log_.native())))));
  AllowManyOpenFiles();
  EXPECT_THAT(StartContainer(), IsOk());
  EXPECT_TRUE(LogSays("words"));
}

TEST_F(DescriptorTest, LetsAConnectionWaitUntilThereIsRoom) {
  StartPod();
  AllowOpenFiles(0);
  auto second = ShimClient::Connect(run_dir_ / "sock");
  ASSERT_THAT(second, IsOk());
  const uint64_t before = Ticks();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_LE(Ticks() - before, 5U);
  AllowManyOpenFiles();
  EXPECT_THAT((second->Call<shim::State>(shim::Verb::kHello, shim::Empty{})), IsOk());
}

}  // namespace
}  // namespace trivet
