#include "common/linux/cgroup.h"

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

// A folder that looks like the unified hierarchy with one group in it.
class UnifiedCgroupsTest : public ::testing::Test {
 protected:
  UnifiedCgroupsTest() {
    root_.Fill({{"cgroup.controllers", "cpuset cpu io memory pids\n"},
                {"cgroup.subtree_control", ""},
                {"pod/cgroup.subtree_control", ""},
                {"pod/c1/cgroup.procs", "12\n13\n"},
                {"pod/c1/memory.max", "max"},
                {"pod/c1/memory.swap.max", "max"},
                {"pod/c1/cpu.max", "max 1"},
                {"pod/c1/cpu.weight", "100"},
                {"pod/c1/pids.max", ""},
                {"pod/c1/memory.high", "max"},
                {"pod/c1/cpu.stat", "usage_usec 1500\nuser_usec 1000\n"},
                {"pod/c1/memory.current", "5000\n"},
                {"pod/c1/memory.stat", "anon 3000\ninactive_file 1000\npgfault 7\npgmajfault 1\n"},
                {"pod/c1/memory.events", "low 0\noom 2\noom_kill 1\noom_group_kill 9\n"},
                {"pod/c1/pids.current", "2\n"}});
    cgroups_ = std::move(*Cgroups::Open(root_.path()));
  }
  [[nodiscard]] std::string Content(const std::string& file) const {
    return *ReadFile(root_ / "pod/c1" / file);
  }
  TempDirectory root_;
  std::unique_ptr<Cgroups> cgroups_;
};

TEST_F(UnifiedCgroupsTest, IsChosenByItsControllersFile) {
  EXPECT_TRUE(cgroups_->is_v2());
}

TEST_F(UnifiedCgroupsTest, EnablesControllersOnTheWayDownButNotInTheGroup) {
  ASSERT_THAT(cgroups_->Create("/pod/c2"), IsOk());
  EXPECT_EQ(*ReadFile(root_ / "cgroup.subtree_control"), "+cpu +cpuset +memory +pids");
  EXPECT_EQ(*ReadFile(root_ / "pod/cgroup.subtree_control"), "+cpu +cpuset +memory +pids");
  EXPECT_THAT(*ListDirectory(root_ / "pod/c2"), ElementsAre());
}

TEST_F(UnifiedCgroupsTest, WritesNothingAboveAGroupWhoseParentHasTheControllers) {
  root_.Fill({{"pod/cgroup.subtree_control", "cpuset cpu io memory pids\n"}});
  ASSERT_THAT(cgroups_->Create("/pod/c2"), IsOk());
  EXPECT_EQ(*ReadFile(root_ / "cgroup.subtree_control"), "");
  EXPECT_EQ(*ReadFile(root_ / "pod/cgroup.subtree_control"), "cpuset cpu io memory pids\n");
  EXPECT_THAT(*ListDirectory(root_ / "pod/c2"), ElementsAre());
}

TEST_F(UnifiedCgroupsTest, EnablesWhatTheParentLacks) {
  root_.Fill({{"pod/cgroup.subtree_control", "cpu memory\n"}});
  ASSERT_THAT(cgroups_->Create("/pod/c2"), IsOk());
  EXPECT_EQ(*ReadFile(root_ / "pod/cgroup.subtree_control"), "+cpu +cpuset +memory +pids");
}

TEST_F(UnifiedCgroupsTest, LimitsHugePagesAndTheirReservation) {
  root_.Fill({{"pod/c1/hugetlb.2MB.max", "max"}, {"pod/c1/hugetlb.2MB.rsvd.max", "max"}});
  ASSERT_THAT(cgroups_->SetLimits("/pod/c1", {.hugepages_bytes = {{"2MB", 4096}, {"1GB", 0}}}),
              IsOk());
  EXPECT_EQ(Content("hugetlb.2MB.max"), "4096");
  EXPECT_EQ(Content("hugetlb.2MB.rsvd.max"), "4096");
  EXPECT_THAT(cgroups_->SetLimits("/pod/c1", {.hugepages_bytes = {{"1GB", 1}}}),
              FailsWith(Code::kNotFound, "hugepage_limits"));
}

TEST_F(UnifiedCgroupsTest, WritesSwapAsWhatIsAboveTheMemoryLimit) {
  ASSERT_THAT(cgroups_->SetLimits("/pod/c1", {.memory_bytes = 1000, .memory_and_swap_bytes = 1500}),
              IsOk());
  EXPECT_EQ(Content("memory.max"), "1000");
  EXPECT_EQ(Content("memory.swap.max"), "500");
}

TEST_F(UnifiedCgroupsTest, RefusesLessMemoryAndSwapThanMemory) {
  EXPECT_THAT(cgroups_->SetLimits("/pod/c1", {.memory_bytes = 1000, .memory_and_swap_bytes = 999}),
              FailsWith(Code::kInvalidArgument, "999 is below"));
}

TEST_F(UnifiedCgroupsTest, WritesQuotaAndPeriodTogether) {
  ASSERT_THAT(cgroups_->SetLimits("/pod/c1", {.cpu_quota_us = 5000, .cpu_period_us = 10000}),
              IsOk());
  EXPECT_EQ(Content("cpu.max"), "5000 10000");
}

TEST_F(UnifiedCgroupsTest, KeepsTheQuotaWhenOnlyThePeriodChanges) {
  ASSERT_THAT(cgroups_->SetLimits("/pod/c1", {.cpu_period_us = 50000}), IsOk());
  EXPECT_EQ(Content("cpu.max"), "max 50000");
}

TEST_F(UnifiedCgroupsTest, LeavesWhatIsNotAskedFor) {
  ASSERT_THAT(cgroups_->SetLimits("/pod/c1", {.pids = 10}), IsOk());
  EXPECT_EQ(Content("pids.max"), "10");
  EXPECT_EQ(Content("memory.max"), "max");
}

TEST_F(UnifiedCgroupsTest, RefusesUnifiedKeysThatAreNoControllersFile) {
  EXPECT_THAT(cgroups_->SetLimits("/pod/c1", {.unified = {{"../x", "1"}}}),
              FailsWith(Code::kInvalidArgument, "../x"));
  EXPECT_THAT(cgroups_->SetLimits("/pod/c1", {.unified = {{"cgroup.procs", "1"}}}),
              FailsWith(Code::kInvalidArgument, "cgroup.procs"));
  EXPECT_THAT(cgroups_->SetLimits("/pod/c1", {.unified = {{"memory.high", "1"}}}), IsOk());
}

TEST_F(UnifiedCgroupsTest, ReadsStatisticsAndOomKills) {
  const auto stats = cgroups_->ReadStats("/pod/c1");
  ASSERT_THAT(stats, IsOk());
  EXPECT_EQ(stats->cpu_usage_ns, 1'500'000U);
  EXPECT_EQ(stats->memory_working_set_bytes, 4000U);
  EXPECT_EQ(stats->memory_rss_bytes, 3000U);
  EXPECT_EQ(stats->processes, 2U);
  EXPECT_EQ(*cgroups_->ReadOomKills("/pod/c1"), 1U);
  EXPECT_THAT(*cgroups_->Processes("/pod/c1"), ElementsAre(12, 13));
}

TEST_F(UnifiedCgroupsTest, AnAbsentGroupHasNoProcessesAndNoStatistics) {
  EXPECT_THAT(*cgroups_->Processes("/absent"), ElementsAre());
  EXPECT_THAT(cgroups_->ReadStats("/absent"), FailsWith(Code::kNotFound, "/absent"));
  EXPECT_THAT(cgroups_->Remove("/absent"), IsOk());
}

// sysfs with the v1 hierarchies in it, a process in the group, and 1 GiB pages on the node.
class LegacyCgroupsTest : public ::testing::Test {
 protected:
  LegacyCgroupsTest() {
    sys_.Fill({{"fs/cgroup/cpu/cgroup.procs", ""},
               {"fs/cgroup/cpu/pod/cgroup.procs", "12\n"},
               {"fs/cgroup/hugetlb/cgroup.procs", ""},
               {"kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n"},
               {"kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "4\n"}});
    cgroups_ = std::move(*Cgroups::Open(sys_ / "fs/cgroup"));
  }
  TempDirectory sys_;
  std::unique_ptr<Cgroups> cgroups_;
};

TEST_F(LegacyCgroupsTest, LeaveAwayThatNoHugePagesMayBeUsedWhereThereAreNone) {
  ASSERT_THAT(cgroups_->SetLimits("/pod", {.hugepages_bytes = {{"2MB", 0}}}), IsOk());
  EXPECT_FALSE(std::filesystem::exists(sys_ / "fs/cgroup/hugetlb/pod"));
}

TEST_F(LegacyCgroupsTest, KeepProcessesFromHugePagesThatTheyDidNotAskFor) {
  sys_.Fill({{"fs/cgroup/hugetlb/pod/hugetlb.1GB.limit_in_bytes", "9"},
             {"fs/cgroup/hugetlb/pod/cgroup.procs", ""}});
  ASSERT_THAT(cgroups_->SetLimits("/pod", {.hugepages_bytes = {{"1GB", 0}}}), IsOk());
  EXPECT_EQ(*ReadFile(sys_ / "fs/cgroup/hugetlb/pod/hugetlb.1GB.limit_in_bytes"), "0");
  EXPECT_EQ(*ReadFile(sys_ / "fs/cgroup/hugetlb/pod/cgroup.procs"), "12");
}

TEST_F(LegacyCgroupsTest, MakeAGroupForALimitOfNoneWhereThereAreSuchPages) {
  // The kernel would have filled it.
  EXPECT_THAT(cgroups_->SetLimits("/pod", {.hugepages_bytes = {{"1GB", 0}}}),
              FailsWith(Code::kNotFound, "hugepage_limits"));
}

TEST(LegacyCgroups, EnterAHierarchyOnceThatHasTwoNames) {
  const TempDirectory root;
  root.Fill({{"cpu,cpuacct/cgroup.procs", ""}, {"memory/cgroup.procs", ""}});
  for (const char* name : {"cpu", "cpuacct"}) {
    std::filesystem::create_directory_symlink("cpu,cpuacct", root / name);
  }
  const auto cgroups = std::move(*Cgroups::Open(root.path()));
  ASSERT_THAT(cgroups->Create("/pod"), IsOk());
  EXPECT_THAT(cgroups->controllers(), ElementsAre("cpu", "cpuacct", "memory"));
  EXPECT_THAT(cgroups->EntryFiles("/pod"),
              ElementsAre(root / "cpu/pod/tasks", root / "memory/pod/tasks"));
  EXPECT_THAT(cgroups->Remove("/pod"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(root / "cpu,cpuacct/pod"));
}

TEST(Cgroups, AreNotOpenedWhereThereIsNoHierarchy) {
  const TempDirectory empty;
  EXPECT_THAT(Cgroups::Open(empty.path()),
              FailsWith(Code::kFailedPrecondition, "no cgroup hierarchy"));
}

TEST(CpuWeightOfShares, HitsTheEndsAndTheDefault) {
  EXPECT_EQ(CpuWeightOfShares(2), 1U);
  EXPECT_EQ(CpuWeightOfShares(1024), 100U);
  EXPECT_EQ(CpuWeightOfShares(262144), 10000U);
  EXPECT_EQ(CpuWeightOfShares(0), 1U);
}

}  // namespace
}  // namespace trivet
