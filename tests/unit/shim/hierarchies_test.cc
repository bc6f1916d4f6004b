#include "shim/hierarchies.h"

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(HierarchiesOf, TakesThePathsApartWhereTheyDiffer) {
  const auto found =
      HierarchiesOf({"/sys/fs/cgroup/cpu/pods/cpu/tasks", "/sys/fs/cgroup/cpuacct/pods/cpu/tasks",
                     "/sys/fs/cgroup/memory/pods/cpu/tasks"});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->root, "/sys/fs/cgroup");
  EXPECT_THAT(found->controllers, ElementsAre("cpu", "cpuacct", "memory"));
  EXPECT_EQ(found->group, "pods/cpu");
  EXPECT_EQ(found->FolderIn("cpuset"), "/sys/fs/cgroup/cpuset/pods/cpu");
}

TEST(HierarchiesOf, HasNoGroupForTheRoots) {
  const auto found = HierarchiesOf({"/sys/fs/cgroup/cpu/tasks", "/sys/fs/cgroup/pids/tasks"});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->group, "");
}

TEST(HierarchiesOf, RefusesFilesOfDifferentGroups) {
  EXPECT_THAT(HierarchiesOf({"/sys/fs/cgroup/cpu/a/tasks", "/sys/fs/cgroup/pids/b/tasks"}),
              FailsWith(Code::kInvalidArgument, "another group"));
}

TEST(HierarchiesOf, RefusesWhatIsInNoHierarchy) {
  EXPECT_THAT(HierarchiesOf({"/absent/tasks"}), FailsWith(Code::kInvalidArgument, "no hierarchy"));
  EXPECT_THAT(HierarchiesOf({"a", "b"}), FailsWith(Code::kInvalidArgument, "no hierarchy"));
}

}  // namespace
}  // namespace trivet::shim
