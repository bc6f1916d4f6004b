#include "shim/container_cgroup.h"

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::shim {
namespace {

using ::testing::SizeIs;
using ::trivet::testing::FailsWith;

// Files as in hierarchies of cgroup v1, of a container without a cpuset.
class EntryFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* controller : {"memory", "pids"}) {
      const auto pods = root_ / controller / "pods";
      std::filesystem::create_directories(pods / "c");
      for (const auto& file : {pods / "cgroup.procs", pods / "c" / "tasks"}) {
        ASSERT_TRUE(WriteFileVolatile(file, ""));
      }
      spec_.cgroup_procs.push_back(pods / "c" / "tasks");
    }
  }

  testing::TempDirectory root_;
  const std::filesystem::path late_ = root_ / "cpuset" / "pods" / "c" / "cgroup.procs";
  ContainerSpec spec_{.id = "c"};
};

TEST_F(EntryFilesTest, HaveTheCpusetOnceAnUpdateHasMadeIt) {
  const auto group = ContainerCgroup::Open(spec_);
  EXPECT_THAT(*group->EntryFiles(), SizeIs(2));
  std::filesystem::create_directories(late_.parent_path());
  ASSERT_TRUE(WriteFileVolatile(late_, ""));
  EXPECT_THAT(*group->EntryFiles(), SizeIs(3));
}

// A process must not begin outside of it.
TEST_F(EntryFilesTest, FailWhereTheCpusetCannotBeOpened) {
  const auto group = ContainerCgroup::Open(spec_);
  std::filesystem::create_directories(late_);
  EXPECT_THAT(group->EntryFiles(), FailsWith(Code::kInvalidArgument, "cpuset/pods/c/cgroup.procs"));
}

}  // namespace
}  // namespace trivet::shim
