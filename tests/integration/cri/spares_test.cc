#include "cri-runtime/sandbox/spares.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>

#include "common/linux/netns.h"
#include "cri-runtime/sandbox/shim_launcher.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/processes.h"

namespace trivet::sandbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Eventually;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<testing::Process> Shims() {
  return testing::FindChildren(::getpid(), "--wait");
}

// Spares of the real trivet-shim.
class SparesTest : public testing::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_THAT(launcher_.Prepare(testing::BinDirectory() / "trivet-shim"), IsOk());
  }
  Result<Spare> Make() {
    std::string id = fmt::format("s{}", ++made_);
    if (fails_) return Fail(Code::kResourceExhausted, "no room");
    ASSIGN_OR_RETURN(UniqueFd netns, MakeNetworkNamespace());
    ASSIGN_OR_RETURN(LoadedShim shim, launcher_.Load(testing::BinDirectory() / "trivet-shim",
                                                     std::filesystem::path("/run/shims") / id));
    return Spare{.id = std::move(id), .netns = std::move(netns), .shim = std::move(shim)};
  }
  std::unique_ptr<Spares> MakeSpares(milliseconds idle = seconds(30)) {
    return std::make_unique<Spares>([this] { return Make(); },
                                    Spares::Times{.pause = milliseconds(1), .idle = idle});
  }
  // As a pod's start does.
  static std::unique_ptr<Spare> Take(Spares& spares) {
    const Spares::Start start(spares);
    return spares.Take();
  }
  bool Makes(int number) {
    return Eventually([&] { return made_ >= number && (fails_ || Shims().size() == 1); });
  }
  static void Wait() { std::this_thread::sleep_for(milliseconds(100)); }

  ShimLauncher launcher_;
  std::atomic<int> made_ = 0;
  std::atomic<bool> fails_ = false;
};

TEST_F(SparesTest, GiveNothingToTheFirstPodAndOneToTheNext) {
  const auto spares = MakeSpares();
  Wait();
  EXPECT_EQ(made_, 0);
  EXPECT_EQ(Take(*spares), nullptr);
  ASSERT_TRUE(Makes(1));
  const pid_t pid = Shims().front().pid;
  std::unique_ptr<Spare> spare;  // a moment after its shim was started
  ASSERT_TRUE(Eventually([&] { return (spare = Take(*spares)) != nullptr; }));
  EXPECT_EQ(spare->id, "s1");
  EXPECT_EQ(spare->shim.pid(), pid);
  EXPECT_TRUE(spare->netns.valid());
  EXPECT_TRUE(Eventually([&] { return made_ == 2; }));
}

TEST_F(SparesTest, AreOneHoweverManyPodsHaveCome) {
  const auto spares = MakeSpares();
  {
    const Spares::Start start(*spares);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(spares->Take(), nullptr);
  }
  ASSERT_TRUE(Makes(1));
  Wait();
  EXPECT_EQ(made_, 1);
  EXPECT_THAT(Shims(), SizeIs(1));
}

TEST_F(SparesTest, AreNotMadeWhileAnybodyStarts) {
  const auto spares = MakeSpares();
  {
    const Spares::Start container(*spares);
    EXPECT_EQ(Take(*spares), nullptr);
    Wait();
    EXPECT_EQ(made_, 0);
  }
  EXPECT_TRUE(Makes(1));
}

TEST_F(SparesTest, AreNotTriedAgainBeforeTheNextPod) {
  fails_ = true;
  const auto spares = MakeSpares();
  EXPECT_EQ(Take(*spares), nullptr);
  ASSERT_TRUE(Makes(1));
  {
    const Spares::Start container(*spares);
  }
  Wait();
  EXPECT_EQ(made_, 1);
  fails_ = false;
  EXPECT_EQ(Take(*spares), nullptr);
  EXPECT_TRUE(Makes(2));
}

TEST_F(SparesTest, EndAWhileAfterTheLastPodAndAreMadeAgain) {
  const auto spares = MakeSpares(milliseconds(300));
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(Take(*spares), nullptr);
    ASSERT_TRUE(Makes(i));
    EXPECT_TRUE(Eventually([] { return Shims().empty(); }));
    Wait();
    EXPECT_EQ(made_, i);
  }
}

// It takes a second to end: the shim does not listen to the end of its socket.
TEST_F(SparesTest, AreMadeForAPodThatComesWhileTheSpareIsEnded) {
  const auto spares = MakeSpares(seconds(2));
  EXPECT_EQ(Take(*spares), nullptr);
  ASSERT_TRUE(Makes(1));
  ASSERT_EQ(::kill(Shims().front().pid, SIGSTOP), 0);
  std::this_thread::sleep_for(milliseconds(2400));
  EXPECT_EQ(Take(*spares), nullptr);
  EXPECT_TRUE(Eventually([&] { return made_ == 2; }));
}

TEST_F(SparesTest, LeaveNothingBehind) {
  auto spares = MakeSpares();
  EXPECT_EQ(Take(*spares), nullptr);
  ASSERT_TRUE(Makes(1));
  const pid_t pid = Shims().front().pid;
  spares.reset();
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_THAT(Shims(), IsEmpty());
}

TEST_F(SparesTest, LeaveNothingBehindOfOneThatIsBeingMade) {
  for (int i = 0; i < 20; ++i) {
    auto spares = MakeSpares();
    EXPECT_EQ(Take(*spares), nullptr);
    std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
    spares.reset();
    EXPECT_THAT(Shims(), IsEmpty());
  }
}

TEST_F(SparesTest, AreEachForOnePod) {
  const auto spares = MakeSpares();
  std::mutex mutex;
  std::multiset<std::string> taken;
  const auto take = [&] {
    for (int i = 0; i < 100; ++i) {
      const auto spare = Take(*spares);
      std::this_thread::sleep_for(milliseconds(i % 7));
      const std::scoped_lock lock(mutex);
      if (spare != nullptr) taken.insert(spare->id);
    }
  };
  std::thread one(take);
  std::thread two(take);
  one.join();
  two.join();
  EXPECT_THAT(taken, Not(IsEmpty()));
  EXPECT_EQ(taken.size(), std::set<std::string>(taken.begin(), taken.end()).size());
}

}  // namespace
}  // namespace trivet::sandbox
