#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "common/linux/file.h"
#include "cri-runtime/stats/cpu_rates.h"
#include "cri-runtime/stats/disk_usage.h"
#include "cri-runtime/stats/in_parallel.h"
#include "cri-runtime/stats/network_usage.h"
#include "cri-runtime/stats/process_counts.h"
#include "cri-runtime/stats/writable_layers.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::stats {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::TempDirectory;

constexpr int64_t kSecondNs = 1'000'000'000;

Result<DiskUsage> MeasureTree(const std::filesystem::path& tree) {
  ASSIGN_OR_RETURN(TreeMeasurement measurement, TreeMeasurement::Begin(tree));
  // Each time as little as there is.
  while (!measurement.Continue(std::chrono::steady_clock::time_point::min())) {
  }
  return measurement.usage();
}

TEST(ParseNetDev, ReadsEveryInterfaceButLo) {
  const auto interfaces = ParseNetDev(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo:     100       1    0    0    0     0          0         0      100       1    0    "
      "0 "
      "   0     0       0          0\n"
      "  eth0:    1000      10    1    2    3     4          5         6     2000      20    7    "
      "8 "
      "   9    10      11         12\n");
  ASSERT_EQ(interfaces.size(), 1u);
  EXPECT_EQ(interfaces[0].name, "eth0");
  EXPECT_EQ(interfaces[0].received_bytes, 1000u);
  EXPECT_EQ(interfaces[0].received_packets, 10u);
  EXPECT_EQ(interfaces[0].receive_errors, 1u);
  EXPECT_EQ(interfaces[0].receive_drops, 2u);
  EXPECT_EQ(interfaces[0].sent_bytes, 2000u);
  EXPECT_EQ(interfaces[0].send_errors, 7u);
  EXPECT_EQ(interfaces[0].send_drops, 8u);
}

TEST(CountProcesses, CountsThisOneWithItsDescriptors) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const ProcessCounts counts = CountProcesses({::getpid(), 0});
  EXPECT_EQ(counts.processes, 1u);
  EXPECT_GE(counts.file_descriptors, counts.sockets + 1);
  EXPECT_GE(counts.sockets, 1u);
  EXPECT_GE(counts.open_files_limit.value_or(UINT64_MAX), 100u);
}

TEST(CountProcesses, LeavesOutThoseThatHaveEnded) {
  TempDirectory proc;
  EXPECT_EQ(CountProcesses({123}, proc.path()).processes, 0u);
}

TEST(MeasureTree, CountsAFileWithTwoNamesOnceAndFollowsNoLink) {
  TempDirectory tree;
  tree.Fill({{"a/b/file", std::string(100'000, 'x')}});
  ASSERT_EQ(::link((tree / "a/b/file").c_str(), (tree / "again").c_str()), 0);
  ASSERT_EQ(::symlink("/usr", (tree / "usr").c_str()), 0);
  const auto usage = MeasureTree(tree.path());
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->inodes, 5u);  // the folder, a, a/b, the file, the link
  EXPECT_GE(usage->used_bytes, 100'000u);
  EXPECT_LT(usage->used_bytes, 200'000u);
}

TEST(MeasureTree, CountsWhatIsHiddenDeepDown) {
  constexpr int kLevels = 400;
  TempDirectory tree;
  std::filesystem::path folder = tree.path();
  for (int level = 0; level < kLevels; ++level) {
    folder /= "d";
    ASSERT_TRUE(EnsureDirectory(folder).has_value());
    ASSERT_TRUE(WriteFileVolatile(folder / "a", "x").has_value());
    ASSERT_TRUE(WriteFileVolatile(folder / "z", "x").has_value());
  }
  EXPECT_EQ(MeasureTree(tree.path())->inodes, 1u + 3u * kLevels);
}

TEST(MeasureTree, SaysThatThereIsNone) {
  EXPECT_THAT(MeasureTree("/nonexistent/tree"), FailsWith(Code::kNotFound, "/nonexistent/tree"));
}

TEST(InParallel, CallsWithEachNumberOnce) {
  for (const size_t count : {0U, 1U, 15U, 1000U}) {
    std::vector<std::atomic<int>> calls(count);
    InParallel(count, [&](size_t item) { ++calls[item]; });
    for (const auto& times : calls) EXPECT_EQ(times.load(), 1) << count;
  }
}

TEST(CpuRates, KnowsARateAfterASecond) {
  CpuRates rates;
  EXPECT_EQ(rates.Update("/c", 0, 0), std::nullopt);
  EXPECT_EQ(rates.Update("/c", kSecondNs / 2, 100), std::nullopt);
  EXPECT_EQ(rates.Update("/c", 2 * kSecondNs, kSecondNs), uint64_t{kSecondNs / 2});
  EXPECT_EQ(rates.Update("/c", 2 * kSecondNs + 1, 2 * kSecondNs), uint64_t{kSecondNs / 2});
  EXPECT_EQ(rates.Update("/other", 3 * kSecondNs, 5), std::nullopt);
}

TEST(WritableLayers, MeasuresAtTheFirstCallAndForgetsWhatIsGone) {
  TempDirectory folder;
  folder.Fill({{"c1/file", std::string(50'000, 'x')}});
  WritableLayers layers([&](const std::string& id) { return folder / id; });
  auto usage = layers.Get("c1");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!usage && std::chrono::steady_clock::now() < deadline) usage = layers.Get("c1");
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->usage.inodes, 2u);
  EXPECT_GE(usage->usage.used_bytes, 50'000u);
  EXPECT_GT(usage->measured_at_ns, 0);

  ASSERT_TRUE(RemoveTree(folder / "c1").has_value());
  layers.Retain([](const std::string&) { return false; });
  EXPECT_FALSE(layers.Get("c1").has_value());
}

// Only the first call waits for a measurement: thousands of others are through at once.
TEST(WritableLayers, DoesNotWaitAgainWhileALargeTreeIsWalked) {
  std::atomic<bool> called = false;
  TempDirectory folder;
  WritableLayers layers([&](const std::string& /*id*/) {
    while (!called) std::this_thread::yield();
    return folder.path();
  });
  for (int call = 0; call < 3000; ++call) EXPECT_FALSE(layers.Get("c1").has_value());
  called = true;
}

// The kernel's own tree takes its time.
TEST(WritableLayers, ALargeTreeHoldsUpNoOther) {
  std::atomic<bool> all_are_wanted = false;
  TempDirectory folder;
  WritableLayers layers([&](const std::string& id) {
    while (!all_are_wanted) std::this_thread::yield();
    return id == "small" ? folder.path() : std::filesystem::path("/sys");
  });
  for (const char* id : {"a", "b", "c", "d", "e", "f", "small"}) {
    EXPECT_FALSE(layers.Get(id).has_value());
  }
  all_are_wanted = true;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!layers.Get("small") && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(layers.Get("f").has_value());
}

}  // namespace
}  // namespace trivet::stats
