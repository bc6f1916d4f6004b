#include "cri-runtime/systemd/unit_name.h"
#include "cri-runtime/systemd/unit_properties.h"
#include "tests/testing/matchers.h"

namespace trivet::systemd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;

constexpr uint64_t kInfinity = UINT64_MAX;

TEST(ExpandSlice, PutsASliceIntoThoseThatItsNameNames) {
  EXPECT_EQ(*ExpandSlice("kubepods.slice"), "/kubepods.slice");
  EXPECT_EQ(*ExpandSlice("kubepods-burstable-pod1_2.slice"),
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice");
  EXPECT_EQ(*ExpandSlice("-.slice"), "");
}

class NoSlice : public ::testing::TestWithParam<std::string> {};

TEST_P(NoSlice, IsRefused) {
  EXPECT_THAT(ExpandSlice(GetParam()), FailsWith(Code::kInvalidArgument, "is no slice"));
}

INSTANTIATE_TEST_SUITE_P(Names, NoSlice,
                         ::testing::Values("", ".slice", "a", "a.scope", "a.slice/b", "a--b.slice",
                                           "-a.slice", "a-.slice", "a b.slice", "a\n.slice",
                                           std::string(260, 'a') + ".slice"));

TEST(GroupOfSlice, TakesANameOrTheWholePath) {
  EXPECT_EQ(*GroupOfSlice("a-b.slice"), "/a.slice/a-b.slice");
  EXPECT_EQ(*GroupOfSlice("/a.slice/a-b.slice"), "/a.slice/a-b.slice");
  EXPECT_THAT(GroupOfSlice("/a-b.slice"), FailsWith(Code::kInvalidArgument, "/a.slice/a-b.slice"));
  EXPECT_THAT(GroupOfSlice("/a.slice/../a.slice"), FailsWith(Code::kInvalidArgument, "is not"));
}

TEST(PropertiesOf, SayMemoryAndSwapApart) {
  EXPECT_THAT(
      *PropertiesOf({.memory_bytes = 100, .memory_and_swap_bytes = 150}),
      ElementsAre(Property{"MemoryMax", uint64_t{100}}, Property{"MemorySwapMax", uint64_t{50}}));
  EXPECT_THAT(*PropertiesOf({.memory_bytes = -1, .memory_and_swap_bytes = -1}),
              ElementsAre(Property{"MemoryMax", kInfinity}, Property{"MemorySwapMax", kInfinity}));
}

TEST(PropertiesOf, SayCpuByWeightAndQuotaPerSecond) {
  EXPECT_THAT(*PropertiesOf({.cpu_shares = 1024, .cpu_quota_us = 50000, .cpu_period_us = 100000}),
              ElementsAre(Property{"CPUWeight", uint64_t{100}},
                          Property{"CPUQuotaPeriodUSec", uint64_t{100000}},
                          Property{"CPUQuotaPerSecUSec", uint64_t{500000}}));
}

TEST(PropertiesOf, RoundAQuotaUpToAPercent) {
  const auto quota = [](int64_t quota_us) {
    return std::get<uint64_t>(PropertiesOf({.cpu_quota_us = quota_us})->front().value);
  };
  EXPECT_EQ(quota(1000), 10000U);
  EXPECT_EQ(quota(1001), 20000U);
  EXPECT_EQ(quota(250000), 2500000U);
  EXPECT_EQ(quota(-1), kInfinity);
  EXPECT_EQ(quota(INT64_MAX), kInfinity);
}

TEST(PropertiesOf, SayProcessesAndCpusets) {
  EXPECT_THAT(*PropertiesOf({.pids = -1, .cpuset_cpus = "0-2,8", .cpuset_mems = "1"}),
              ElementsAre(Property{"TasksMax", kInfinity},
                          Property{"AllowedCPUs", std::vector<uint8_t>{0x07, 0x01}},
                          Property{"AllowedMemoryNodes", std::vector<uint8_t>{0x02}}));
}

TEST(PropertiesOf, SayOfUnifiedWhatSystemdWritesItself) {
  EXPECT_THAT(
      *PropertiesOf({.unified = {{"memory.high", "1000"},
                                 {"memory.min", "max"},
                                 {"memory.low", "1k"},
                                 {"memory.oom.group", "1"}}}),
      ElementsAre(Property{"MemoryMin", kInfinity}, Property{"MemoryHigh", uint64_t{1000}}));
  EXPECT_THAT(*PropertiesOf({}), IsEmpty());
}

TEST(CpusetBits, RefuseWhatIsNoList) {
  for (const char* list : {"a", "3-1", "1-", "-1", "0,,1", "99999", "0 1"}) {
    EXPECT_THAT(CpusetBits(list), FailsWith(Code::kInvalidArgument, "unexpected")) << list;
  }
}

}  // namespace
}  // namespace trivet::systemd
