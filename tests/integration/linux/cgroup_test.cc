#include "common/linux/cgroup.h"

#include <unistd.h>

#include <fstream>

#include "common/linux/cgroup_tree.h"
#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

// Works with whatever this node has, in groups below /trivet-test.
class CgroupTest : public testing::RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    cgroups_ = std::move(*Cgroups::Open());
    ASSERT_THAT(cgroups_->Create(group_), IsOk());
  }
  void TearDown() override {
    if (cgroups_ == nullptr) return;
    EXPECT_THAT(cgroups_->Kill(group_, milliseconds(5000)), IsOk());
    for (const Child& child : children_) EXPECT_THAT(Reap(child.pidfd), IsOk());
    const auto files = cgroups_->EntryFiles(group_);
    EXPECT_THAT(cgroups_->Remove(group_), IsOk());
    // The parent goes with the last test that runs at this moment.
    for (const auto& file : files) ::rmdir(file.parent_path().parent_path().c_str());
  }
  // Starts a program in the group.
  pid_t Start(const std::vector<std::string>& shell_command) {
    std::string script;
    for (const auto& file : cgroups_->EntryFiles(group_)) {
      script += "echo $$ > " + file.native() + "; ";
    }
    for (const auto& word : shell_command) script += word + " ";
    children_.push_back(*StartCommand({.program = "/bin/sh", .args = {"-c", script}}, {}));
    // It joins one hierarchy after the other.
    for (const auto& file : cgroups_->EntryFiles(group_)) {
      while (ReadFile(file).value_or("").empty()) ::usleep(1000);
    }
    return children_.back().pid;
  }
  std::string group_ = "/trivet-test/cgroup-" + std::to_string(::getpid());
  std::unique_ptr<Cgroups> cgroups_;
  std::vector<Child> children_;
};

TEST_F(CgroupTest, CreatingTwiceSucceedsAndAGroupInUseIsNotRemoved) {
  EXPECT_THAT(cgroups_->Create(group_), IsOk());
  Start({"sleep 100"});
  EXPECT_THAT(cgroups_->Remove(group_), FailsWith(Code::kAborted, "remove cgroup"));
}

TEST_F(CgroupTest, SeesItsProcessesAndTheirUse) {
  const pid_t pid = Start({"exec sleep 100"});
  EXPECT_THAT(*cgroups_->Processes(group_), Contains(pid));
  const auto stats = cgroups_->ReadStats(group_);
  ASSERT_THAT(stats, IsOk());
  EXPECT_GT(stats->memory_usage_bytes, 0U);
  EXPECT_GE(stats->processes, 1U);
}

TEST_F(CgroupTest, KillsProcessesThatForkFasterThanOneSignalCatches) {
  Start({"while true; do sleep 0.01 & done"});
  EXPECT_THAT(cgroups_->Kill(group_, milliseconds(5000)), IsOk());
  EXPECT_THAT(*cgroups_->Processes(group_), ElementsAre());
}

TEST_F(CgroupTest, MovesProcessesThatForkMeanwhile) {
  Start({"while true; do sleep 0.01 & done"});
  const auto from = cgroups_->EntryFiles(group_).front().parent_path();
  const auto to = from / "inner";
  ASSERT_THAT(EnsureDirectory(to), IsOk());
  const auto left = [&]() -> Result<std::vector<pid_t>> {
    return cgroup_tree::Without(*cgroup_tree::Processes(from), *cgroup_tree::Processes(to));
  };
  EXPECT_EQ(cgroup_tree::MoveAll(left, to), true);
  EXPECT_THAT(*ReadFile(from / "cgroup.procs"), ::testing::IsEmpty());
  // Of those that fork on, one may end between the two lists, and is left by that.
  ASSERT_THAT(cgroups_->Kill(group_, milliseconds(5000)), IsOk());
  EXPECT_EQ(cgroup_tree::MoveAll(left, to), false) << "nothing was left";
}

TEST_F(CgroupTest, RaisesAndLowersMemoryLimits) {
  for (const int64_t megabytes : {64, 128, 32}) {
    EXPECT_THAT(cgroups_->SetLimits(group_, {.memory_bytes = megabytes << 20,
                                             .memory_and_swap_bytes = megabytes << 20}),
                IsOk());
  }
}

// With the old quota the new period would be more than the parent has, or the other way round.
TEST_F(CgroupTest, ChangesQuotaAndPeriodOfACpuLimitThatIsAllItsParentHas) {
  const std::string inner = group_ + "/inner";
  ASSERT_THAT(cgroups_->Create(inner), IsOk());
  ASSERT_THAT(cgroups_->SetLimits(group_, {.cpu_quota_us = 50'000, .cpu_period_us = 100'000}),
              IsOk());
  for (const int64_t times : {10, 1, 10}) {
    const auto period_us = static_cast<uint64_t>(times * 10'000);
    EXPECT_THAT(
        cgroups_->SetLimits(inner, {.cpu_quota_us = times * 5'000, .cpu_period_us = period_us}),
        IsOk());
  }
}

TEST_F(CgroupTest, TakesEveryLimit) {
  EXPECT_THAT(cgroups_->SetLimits(group_, {.memory_bytes = 64 << 20,
                                           .cpu_shares = 512,
                                           .cpu_quota_us = 50000,
                                           .cpu_period_us = 100000,
                                           .pids = 50,
                                           .cpuset_cpus = "0"}),
              IsOk());
}

TEST_F(CgroupTest, LimitsTheNumberOfProcesses) {
  ASSERT_THAT(cgroups_->SetLimits(group_, {.pids = 5}), IsOk());
  Start({"for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; wait"});
  EXPECT_LE(cgroups_->Processes(group_)->size(), 5U);
}

TEST_F(CgroupTest, CountsAnOomKill) {
  ASSERT_THAT(
      cgroups_->SetLimits(group_, {.memory_bytes = 8 << 20, .memory_and_swap_bytes = 8 << 20}),
      IsOk());
  EXPECT_EQ(*cgroups_->ReadOomKills(group_), 0U);
  Start({"exec tail /dev/zero"});
  EXPECT_EQ(*Reap(children_.back().pidfd), 137);
  children_.pop_back();
  EXPECT_EQ(*cgroups_->ReadOomKills(group_), 1U);
}

// On the v2 hierarchy, which a hybrid node has beside the others.
TEST(CgroupTree, EndsTheProcessesOfThreadedGroups) {
  const std::filesystem::path top = "/sys/fs/cgroup";
  const bool is_v2 = std::filesystem::exists(top / "cgroup.controllers");
  const std::filesystem::path parent = (is_v2 ? top : top / "unified") / "trivet-test";
  if (!std::filesystem::exists(parent.parent_path() / "cgroup.procs") || ::geteuid() != 0) {
    GTEST_SKIP() << "needs root and cgroup v2";
  }
  const std::filesystem::path group = parent / ("threaded-" + std::to_string(::getpid()));
  std::filesystem::create_directories(group / "inner");
  ASSERT_THAT(WriteControlFile(group / "inner/cgroup.type", "threaded"), IsOk());
  const auto child = StartCommand({.program = "/bin/sleep", .args = {"1000"}}, {});
  ASSERT_THAT(child, IsOk());
  const std::string pid = std::to_string(child->pid);
  ASSERT_THAT(WriteControlFile(group / "cgroup.procs", pid), IsOk());
  ASSERT_THAT(WriteControlFile(group / "inner/cgroup.threads", pid), IsOk());

  const auto processes = cgroup_tree::Processes(group);
  ASSERT_THAT(processes, IsOk());
  EXPECT_THAT(*processes, ElementsAre(child->pid));
  EXPECT_THAT(cgroup_tree::KillAll(group, milliseconds(5000)), IsOk());
  EXPECT_THAT(Reap(child->pidfd), IsOk());
  EXPECT_THAT(cgroup_tree::Remove(group), IsOk());
  ::rmdir(parent.c_str());  // goes with the last test that runs at this moment
}

}  // namespace
}  // namespace trivet
