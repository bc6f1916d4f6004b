#include "tests/testing/leak_check.h"

#include <fcntl.h>

#include "common/base/unique_fd.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class LeakCheckTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> Groups() const {
    std::vector<std::string> things =
        FindThings({.cgroup = "/mine", .cgroup_root = folder_ / "cgroup"});
    std::erase_if(things, [](const std::string& thing) { return !thing.starts_with("cgroup "); });
    return things;
  }
  [[nodiscard]] std::string Group(const std::string& path) const {
    return "cgroup " + (folder_ / "cgroup" / path).native();
  }
  TempDirectory folder_;
};

TEST_F(LeakCheckTest, FindsGroupsOfAV2Node) {
  folder_.Fill({{"cgroup/cgroup.controllers", ""},
                {"cgroup/mine/cgroup.procs", ""},
                {"cgroup/mine/pod/container/cgroup.procs", ""},
                {"cgroup/others/pod/cgroup.procs", ""}});
  EXPECT_THAT(Groups(), ElementsAre(Group("mine/pod"), Group("mine/pod/container")));
}

TEST_F(LeakCheckTest, FindsGroupsInEachHierarchyOfAHybridNodeOnce) {
  folder_.Fill({{"cgroup/cpu,cpuacct/mine/pod/cgroup.procs", ""},
                {"cgroup/unified/mine/pod/cgroup.procs", ""},
                {"cgroup/pids/others/pod/cgroup.procs", ""}});
  std::filesystem::create_directory_symlink("cpu,cpuacct", folder_ / "cgroup/cpu");
  EXPECT_THAT(Groups(), ElementsAre(Group("cpu,cpuacct/mine/pod"), Group("unified/mine/pod")));
}

TEST_F(LeakCheckTest, FindsWhatAProcessHoldsOpen) {
  folder_.Fill({{"held", ""}});
  const LeakScope scope{.process_mark = "testing_test"};
  const std::string held = "testing_test: " + (folder_ / "held").native();
  EXPECT_THAT(FindThings(scope), Not(Contains(HasSubstr(held))));
  const UniqueFd file(::open((folder_ / "held").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(FindThings(scope), AllOf(Contains("descriptor of " + held),
                                       Contains("descriptor of testing_test: net")));
}

TEST_F(LeakCheckTest, FindsFilesButThoseThatMayStay) {
  folder_.Fill({{"logs/a", ""}, {"state/b", ""}});
  const auto things = FindThings({.folders = {folder_.path()}, .ignored = {"logs"}});
  EXPECT_THAT(things, Contains(EndsWith("state/b")));
  EXPECT_THAT(things, Not(Contains(EndsWith("logs/a"))));
}

TEST_F(LeakCheckTest, CountsWhatIsThereTwice) {
  const LeakScope scope{.process_mark = "testing_test"};
  const UniqueFd first(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto before = FindThings(scope);
  const UniqueFd second(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> leaks;
  std::ranges::set_difference(FindThings(scope), before, std::back_inserter(leaks));
  EXPECT_THAT(leaks, Contains("descriptor of testing_test: net"));
}

}  // namespace
}  // namespace trivet::testing
