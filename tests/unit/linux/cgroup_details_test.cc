#include <gmock/gmock.h>

#include "common/linux/cgroup.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::TempDirectory;

// Folders that look like a hierarchy with the group /pod in it.
class CgroupDetailsTest : public ::testing::Test {
 protected:
  CgroupStats ReadStats() {
    auto stats = (*Cgroups::Open(root_.path()))->ReadStats("/pod");
    EXPECT_TRUE(stats.has_value()) << stats.error().message();
    return stats.value_or(CgroupStats{});
  }
  CgroupDetails Read(const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& file : files) root_.Fill({file});
    auto details = (*Cgroups::Open(root_.path()))->ReadDetails("/pod");
    EXPECT_TRUE(details.has_value()) << details.error().message();
    return details.value_or(CgroupDetails{});
  }
  TempDirectory root_;
};

TEST_F(CgroupDetailsTest, ReadsTheUnifiedHierarchy) {
  const CgroupDetails details =
      Read({{"cgroup.controllers", "cpu io memory pids hugetlb\n"},
            {"pod/cpu.stat",
             "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 4\n"
             "throttled_usec 6\n"},
            {"pod/memory.events", "low 0\nhigh 0\nmax 11\noom 1\noom_kill 2\n"},
            {"pod/memory.peak", "9000\n"},
            {"pod/memory.max", "10000\n"},
            {"pod/memory.low", "100\n"},
            {"pod/memory.swap.max", "max\n"},
            {"pod/pids.max", "50\n"},
            {"pod/io.stat", "8:16 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"},
            {"pod/hugetlb.2MB.current", "4194304\n"},
            {"pod/hugetlb.2MB.rsvd.current", "1\n"}});
  EXPECT_EQ(details.cpu_user_ns, 3000u);
  EXPECT_EQ(details.cpu_system_ns, 2000u);
  EXPECT_EQ(details.cpu_periods, 7u);
  EXPECT_EQ(details.cpu_throttled_periods, 4u);
  EXPECT_EQ(details.cpu_throttled_ns, 6000u);
  EXPECT_EQ(details.memory_max_usage_bytes, 9000u);
  EXPECT_EQ(details.memory_failures, 11u);
  EXPECT_EQ(details.oom_kills, 2u);
  EXPECT_EQ(details.memory_limit_bytes, 10000u);
  EXPECT_EQ(details.memory_reservation_bytes, 100u);
  EXPECT_EQ(details.memory_swap_limit_bytes, std::nullopt);
  EXPECT_EQ(details.pids_limit, 50u);
  ASSERT_THAT(details.io, SizeIs(1));
  EXPECT_EQ(details.io[0].minor, 16u);
  EXPECT_EQ(details.io[0].written_bytes, 20u);
  EXPECT_EQ(details.io[0].reads, 1u);
  ASSERT_THAT(details.hugepages, SizeIs(1));
  EXPECT_EQ(details.hugepages[0].page_size, "2MB");
  EXPECT_EQ(details.hugepages[0].usage_bytes, 4194304u);
}

TEST_F(CgroupDetailsTest, ReadsSeparateHierarchies) {
  const CgroupDetails details =
      Read({{"cpu/cgroup.procs", ""},
            {"cpuacct/cgroup.procs", ""},
            {"memory/cgroup.procs", ""},
            {"pids/cgroup.procs", ""},
            {"cpu/pod/cpu.stat", "nr_periods 7\nnr_throttled 4\nthrottled_time 6\n"},
            {"cpuacct/pod/cpuacct.stat", "user 3\nsystem 2\n"},
            {"memory/pod/memory.kmem.usage_in_bytes", "512\n"},
            {"memory/pod/memory.max_usage_in_bytes", "9000\n"},
            {"memory/pod/memory.failcnt", "11\n"},
            {"memory/pod/memory.limit_in_bytes", "10000\n"},
            {"memory/pod/memory.soft_limit_in_bytes", "9223372036854771712\n"},
            {"memory/pod/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"},
            {"pids/pod/pids.max", "max\n"}});
  EXPECT_EQ(details.cpu_user_ns, 30'000'000u);
  EXPECT_EQ(details.cpu_throttled_ns, 6u);
  EXPECT_EQ(details.memory_kernel_bytes, 512u);
  EXPECT_EQ(details.memory_failures, 11u);
  EXPECT_EQ(details.oom_kills, 2u);
  EXPECT_EQ(details.memory_limit_bytes, 10000u);
  EXPECT_EQ(details.memory_reservation_bytes, std::nullopt);
  EXPECT_EQ(details.pids_limit, std::nullopt);
  EXPECT_THAT(details.io, IsEmpty());
}

// The kernel makes memory.stat up for each reader: what it says comes with the statistics.
TEST_F(CgroupDetailsTest, LeavesWhatMemoryStatSaysToTheStatistics) {
  root_.Fill({{"cgroup.controllers", "cpu memory pids\n"},
              {"pod/cpu.stat", "usage_usec 5\n"},
              {"pod/memory.current", "9000\n"},
              {"pod/memory.stat", "anon 1\nfile 4096\nkernel 512\nfile_mapped 8\n"},
              {"pod/pids.current", "1\n"}});
  const CgroupStats stats = ReadStats();
  EXPECT_EQ(stats.memory_cache_bytes, 4096u);
  EXPECT_EQ(stats.memory_mapped_file_bytes, 8u);
  EXPECT_EQ(stats.memory_kernel_bytes, 512u);
}

TEST_F(CgroupDetailsTest, LeavesWhatMemoryStatSaysToTheStatisticsOfSeparateHierarchies) {
  root_.Fill({{"cpuacct/pod/cpuacct.usage", "5\n"},
              {"memory/cgroup.procs", ""},
              {"memory/pod/memory.usage_in_bytes", "9000\n"},
              {"memory/pod/memory.stat", "cache 1\ntotal_cache 4096\ntotal_mapped_file 8\n"},
              {"pids/pod/pids.current", "1\n"}});
  const CgroupStats stats = ReadStats();
  EXPECT_EQ(stats.memory_cache_bytes, 4096u);
  EXPECT_EQ(stats.memory_mapped_file_bytes, 8u);
  EXPECT_EQ(stats.memory_kernel_bytes, std::nullopt);
}

TEST_F(CgroupDetailsTest, SaysThatAGroupIsGone) {
  root_.Fill({{"cgroup.controllers", "cpu\n"}});
  EXPECT_THAT((*Cgroups::Open(root_.path()))->ReadDetails("/pod"), FailsWith(Code::kNotFound, ""));
}

}  // namespace
}  // namespace trivet
