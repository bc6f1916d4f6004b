#include "cri-runtime/container/attach_ahead.h"

#include <gtest/gtest.h>

namespace trivet::container {
namespace {

TEST(OwnPidsGroup, IsWhereTheHierarchyOfPidsSaysItIs) {
  EXPECT_EQ(OwnPidsGroup("5:memory:/m\n4:pids:/a/b\n0::/u\n", "/cg"), "/cg/pids/a/b/cgroup.procs");
}

TEST(OwnPidsGroup, IsTheRootForAProcessInIt) {
  EXPECT_EQ(OwnPidsGroup("4:pids:/\n", "/cg"), "/cg/pids/cgroup.procs");
}

TEST(OwnPidsGroup, IsNoneOutsideOfTheNamespaceOrWithoutTheHierarchy) {
  EXPECT_EQ(OwnPidsGroup("4:pids:/../x\n", "/cg"), "");
  EXPECT_EQ(OwnPidsGroup("0::/u\n", "/cg"), "");
}

}  // namespace
}  // namespace trivet::container
