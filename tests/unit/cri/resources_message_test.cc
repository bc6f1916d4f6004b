#include "cri-runtime/service/resources_message.h"

#include <gtest/gtest.h>

namespace trivet::cri {
namespace {

TEST(WithOverhead, AddsWhatThePodNeedsBesideItsContainers) {
  const container::Resources sum = WithOverhead({.cpu_period_us = 100000,
                                                 .cpu_quota_us = 50000,
                                                 .cpu_shares = 512,
                                                 .memory_limit_bytes = 64 << 20},
                                                {.cpu_period_us = 50000,
                                                 .cpu_quota_us = 5000,
                                                 .cpu_shares = 10,
                                                 .memory_limit_bytes = 1 << 20});
  EXPECT_EQ(sum.memory_limit_bytes, 65 << 20);
  EXPECT_EQ(sum.cpu_quota_us, 60000);
  EXPECT_EQ(sum.cpu_shares, 522);
}

TEST(WithOverhead, LimitsNothingThatIsNotLimited) {
  const container::Resources sum = WithOverhead(
      {}, {.cpu_period_us = 100000, .cpu_quota_us = 1000, .memory_limit_bytes = 1 << 20});
  EXPECT_EQ(sum.memory_limit_bytes, 0);
  EXPECT_EQ(sum.cpu_quota_us, 0);
}

}  // namespace
}  // namespace trivet::cri
