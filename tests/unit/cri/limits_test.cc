#include "cri-runtime/container/limits.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::FailsWith;

TEST(LimitsOf, AllowsNoSwapWhereOnlyMemoryIsLimited) {
  const auto limits = LimitsOf({.memory_limit_bytes = 100}, -1);
  EXPECT_EQ(limits->memory_bytes, 100);
  EXPECT_EQ(limits->memory_and_swap_bytes, 100);
}

TEST(LimitsOf, LeavesAloneWhatIsNotSaid) {
  const auto limits = LimitsOf({}, -1);
  EXPECT_FALSE(limits->memory_bytes || limits->cpu_quota_us || limits->cpu_shares || limits->pids);
}

TEST(LimitsOf, TakesTheProcessLimitFromTheConfiguration) {
  EXPECT_EQ(LimitsOf({}, 50)->pids, 50);
}

TEST(LimitsOf, RefusesNegativeNumbers) {
  EXPECT_THAT(LimitsOf({.cpu_shares = -1}, -1), FailsWith(Code::kInvalidArgument, "cpu_shares"));
  EXPECT_THAT(LimitsOf({.memory_limit_bytes = -2}, -1),
              FailsWith(Code::kInvalidArgument, "memory_limit_in_bytes: unexpected -2"));
}

TEST(LimitsOf, TakesHugePagesByTheirSize) {
  EXPECT_EQ(LimitsOf({.hugepage_limits_bytes = {{"2MB", 7}}}, -1)->hugepages_bytes.at("2MB"), 7u);
  for (const char* size : {"", "MB", "2", "2TB", "../2MB", "2MB/x"}) {
    EXPECT_THAT(LimitsOf({.hugepage_limits_bytes = {{size, 1}}}, -1),
                FailsWith(Code::kInvalidArgument, "page_size"))
        << size;
  }
}

TEST(MergeResources, ReplacesOnlyWhatTheUpdateNames) {
  const Resources merged =
      MergeResources({.cpu_shares = 5, .memory_limit_bytes = 7}, {.cpu_shares = 6});
  EXPECT_EQ(merged.cpu_shares, 6);
  EXPECT_EQ(merged.memory_limit_bytes, 7);
}

}  // namespace
}  // namespace trivet::container
