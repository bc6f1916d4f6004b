#include "cri-runtime/sandbox/groups.h"

#include <gtest/gtest.h>

namespace trivet::sandbox {
namespace {

TEST(PodGroup, IsTheKubeletsWhereItNamesOne) {
  EXPECT_EQ(PodGroup({.cgroup_parent = "/kubepods/pod1"}, "abc", "/trivet"), "/kubepods/pod1");
}

TEST(PodGroup, IsOneOfOursWhereTheRequestNamesNone) {
  EXPECT_EQ(PodGroup({}, "abc", "/trivet"), "/trivet/abc");
}

TEST(OwnsPodGroup, IsTrueOnlyForAGroupOfOurs) {
  EXPECT_TRUE(OwnsPodGroup({}));
  EXPECT_FALSE(OwnsPodGroup({.config = {.cgroup_parent = "/kubepods/pod1"}}));
}

TEST(ContainerGroup, IsBesideTheReapersGroup) {
  const Record record{.id = "s", .cgroup = "/p"};
  EXPECT_EQ(ContainerGroup(record, "c"), "/p/c");
  EXPECT_EQ(ReaperGroup(record), "/p/s");
}

}  // namespace
}  // namespace trivet::sandbox
