#include "cri-runtime/container/propagation.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr std::string_view kMounts =
    "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "21 20 0:21 / /shared rw shared:3 master:7 - tmpfs tmpfs rw\n"
    "22 20 0:22 / /slave rw master:3 - tmpfs tmpfs rw\n"
    "23 20 0:23 / /private\\040one rw - tmpfs shared:9 rw\n";

TEST(CheckPropagation, TakesASharedMountForBoth) {
  EXPECT_THAT(CheckPropagation(kMounts, 21, "/p", Propagation::kBidirectional), IsOk());
  EXPECT_THAT(CheckPropagation(kMounts, 21, "/p", Propagation::kHostToContainer), IsOk());
}

TEST(CheckPropagation, TakesASlaveForTheWayIn) {
  EXPECT_THAT(CheckPropagation(kMounts, 22, "/p", Propagation::kHostToContainer), IsOk());
  EXPECT_THAT(CheckPropagation(kMounts, 22, "/p", Propagation::kBidirectional),
              FailsWith(Code::kFailedPrecondition, "/p is on /slave, which is not a shared mount"));
}

TEST(CheckPropagation, RefusesAPrivateMount) {
  for (const uint64_t id : {20, 23, 2}) {
    EXPECT_THAT(CheckPropagation(kMounts, id, "/p", Propagation::kHostToContainer),
                FailsWith(Code::kFailedPrecondition, "propagation"));
  }
}

}  // namespace
}  // namespace trivet::container
