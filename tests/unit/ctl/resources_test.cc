#include "ctl/node/resources.h"

#include "tests/testing/matchers.h"

namespace trivet::ctl {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

Pod PodOf(std::vector<Resources> resources) {
  Pod pod;
  for (Resources& item : resources) pod.containers.push_back({.resources = std::move(item)});
  return pod;
}
const Resources kNothing;
const Resources kFull = {.cpu_request_milli = 500,
                         .cpu_limit_milli = 500,
                         .memory_request_bytes = kGiB,
                         .memory_limit_bytes = kGiB};

TEST(QosOf, FollowsWhatAllContainersAskFor) {
  EXPECT_EQ(QosOf(PodOf({kNothing, kNothing})), Qos::kBestEffort);
  EXPECT_EQ(QosOf(PodOf({kFull, kFull})), Qos::kGuaranteed);
  EXPECT_EQ(QosOf(PodOf({kFull, kNothing})), Qos::kBurstable);
}

TEST(CpuShares, AreAtLeastTwoAndAtMostTheKernelsLimit) {
  EXPECT_EQ(CpuShares(0), 2);
  EXPECT_EQ(CpuShares(1), 2);
  EXPECT_EQ(CpuShares(100), 102);
  EXPECT_EQ(CpuShares(1000), 1024);
  EXPECT_EQ(CpuShares(1'000'000), 262144);
}

TEST(CpuQuotaMicroseconds, IsAtLeastOneMillisecond) {
  EXPECT_EQ(CpuQuotaMicroseconds(0), 0);
  EXPECT_EQ(CpuQuotaMicroseconds(1), 1000);
  EXPECT_EQ(CpuQuotaMicroseconds(250), 25'000);
  EXPECT_EQ(CpuQuotaMicroseconds(2000), 200'000);
}

TEST(OomScoreAdjust, RanksByTheShareOfTheNodesMemory) {
  const Container half{.resources = {.memory_request_bytes = 4 * kGiB}};
  const Container little{.resources = {.memory_request_bytes = 1}};
  const Container all{.resources = {.memory_request_bytes = 8 * kGiB}};
  EXPECT_EQ(OomScoreAdjust(Qos::kGuaranteed, half, 8 * kGiB), -997);
  EXPECT_EQ(OomScoreAdjust(Qos::kBestEffort, half, 8 * kGiB), 1000);
  EXPECT_EQ(OomScoreAdjust(Qos::kBurstable, half, 8 * kGiB), 500);
  EXPECT_EQ(OomScoreAdjust(Qos::kBurstable, little, 8 * kGiB), 999);
  EXPECT_EQ(OomScoreAdjust(Qos::kBurstable, all, 8 * kGiB), 3);
}

TEST(PodResources, HaveALimitOnlyWhereEveryContainerHasOne) {
  EXPECT_EQ(PodResources(PodOf({kFull, kFull})).memory_limit_in_bytes(), 2 * kGiB);
  EXPECT_EQ(PodResources(PodOf({kFull, kNothing})).memory_limit_in_bytes(), 0);
  EXPECT_EQ(PodResources(PodOf({kFull, kNothing})).cpu_shares(), 512);
}

}  // namespace
}  // namespace trivet::ctl
