#include "shim/cgroup_mounts.h"

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ParseHierarchies, FindsV1HierarchiesWithTheirControllers) {
  const auto found = ParseHierarchies(
      "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup "
      "rw,cpu,cpuacct\n"
      "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_THAT(found[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_THAT(found[1].controllers, ElementsAre("memory"));
}

TEST(ParseHierarchies, LeavesOutV2NamedHierarchiesAndOtherFileSystems) {
  EXPECT_THAT(ParseHierarchies("30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                               "31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=s\n"
                               "32 25 0:28 / /proc rw - proc proc rw\n"
                               "garbage\n\n"),
              IsEmpty());
}

}  // namespace
}  // namespace trivet::shim
