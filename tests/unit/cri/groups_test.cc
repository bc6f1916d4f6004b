#include "cri-runtime/sandbox/groups.h"

#include "tests/testing/matchers.h"

namespace trivet::sandbox {
namespace {

using ::trivet::testing::FailsWith;

TEST(PodGroup, IsTheKubeletsWhereItNamesOne) {
  EXPECT_EQ(*PodGroup({.cgroup_parent = "/kubepods/pod1"}, "abc", "/trivet"), "/kubepods/pod1");
}

TEST(PodGroup, IsOneOfOursWhereTheRequestNamesNone) {
  EXPECT_EQ(*PodGroup({}, "abc", "/trivet"), "/trivet/abc");
}

TEST(PodGroup, IsASliceWithSystemd) {
  const std::string path = "/kubepods.slice/kubepods-besteffort.slice";
  EXPECT_EQ(*PodGroup({.cgroup_parent = "kubepods-besteffort.slice"}, "abc", "trivet.slice"), path);
  EXPECT_EQ(*PodGroup({.cgroup_parent = path}, "abc", "trivet.slice"), path);
  EXPECT_EQ(*PodGroup({}, "abc", "trivet.slice"), "/trivet.slice/trivet-podabc.slice");
}

TEST(PodGroup, IsOfTheDriversKind) {
  EXPECT_THAT(PodGroup({.cgroup_parent = "/kubepods/pod1"}, "abc", "trivet.slice"),
              FailsWith(Code::kInvalidArgument, "cgroupDriver is systemd: cgroup_parent"));
  EXPECT_THAT(PodGroup({.cgroup_parent = "/elsewhere/kubepods.slice"}, "abc", "trivet.slice"),
              FailsWith(Code::kInvalidArgument, "is not where systemd has this slice"));
  EXPECT_THAT(PodGroup({.cgroup_parent = "/kubepods.slice"}, "abc", "/trivet"),
              FailsWith(Code::kInvalidArgument, "cgroupDriver is cgroupfs: cgroup_parent"));
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

TEST(ContainerGroup, IsAScopeInASlice) {
  const Record record{.id = "s", .cgroup = "/p.slice"};
  EXPECT_EQ(ContainerGroup(record, "c"), "/p.slice/cri-trivet-c.scope");
  EXPECT_EQ(ReaperGroup(record), "/p.slice/cri-trivet-s.scope");
}

TEST(HasReaper, IsTrueForAPodWithOnePidNamespace) {
  EXPECT_TRUE(HasReaper({.config = {.namespaces = {.pid = NamespaceMode::kPod}}}));
  EXPECT_FALSE(HasReaper({.config = {.namespaces = {.pid = NamespaceMode::kContainer}}}));
  EXPECT_FALSE(HasReaper({.config = {.namespaces = {.pid = NamespaceMode::kNode}}}));
}

}  // namespace
}  // namespace trivet::sandbox
