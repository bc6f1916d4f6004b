#include "shim/init_plan.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

class MakeInitPlanTest : public ::testing::Test {
 protected:
  Result<InitPlan> Plan() { return MakeInitPlan(spec_, fds_, {.attach_point = "/x"}); }
  static std::vector<UniqueFd> TwoFds() {
    std::vector<UniqueFd> fds;
    for (int i = 0; i < 2; ++i) fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return fds;
  }
  ContainerSpec spec_{.id = "c", .process = {.args = {"a"}}, .root_fd_index = 0};
  std::vector<UniqueFd> fds_ = TwoFds();
};

TEST_F(MakeInitPlanTest, TakesTheRootsDescriptor) {
  const auto plan = Plan();
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->root.valid());
  EXPECT_FALSE(fds_[0].valid());
}

TEST_F(MakeInitPlanTest, AlwaysMountsProcWithoutProgramsAndDevices) {
  spec_.mounts = {{.kind = MountKind::kProc, .target = "/proc"}};
  const auto plan = Plan();
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->mounts[0].attributes,
            uint64_t{MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC});
  EXPECT_FALSE(plan->mounts[0].follows_link);
}

TEST_F(MakeInitPlanTest, LabelsWhatIsTheContainersOwnOnly) {
  const std::pair<std::string, std::string> label{"context", "u:r:t:s0:c1,c2"};
  spec_.selinux_file_label = label.second;
  spec_.mounts = {{.kind = MountKind::kProc, .target = "/proc"},
                  {.kind = MountKind::kSysfs, .target = "/sys"},
                  {.kind = MountKind::kDev, .target = "/dev"},
                  {.kind = MountKind::kDevpts, .target = "/dev/pts"},
                  {.kind = MountKind::kMqueue, .target = "/dev/mqueue"}};
  const auto plan = Plan();
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->mounts[0].options, Not(Contains(label)));
  EXPECT_THAT(plan->mounts[1].options, Not(Contains(label)));
  EXPECT_THAT(plan->mounts[2].options, Contains(label));
  EXPECT_THAT(plan->mounts[3].options, Contains(label));
  EXPECT_THAT(plan->mounts[4].options, Not(Contains(label)));
  EXPECT_EQ(plan->mounts[4].root_label, label.second);
  EXPECT_EQ(plan->file_label, label.second);
}

TEST_F(MakeInitPlanTest, LabelsNoMessageQueuesOfTheNode) {
  spec_.selinux_file_label = "u:r:t";
  spec_.mounts = {{.kind = MountKind::kMqueue, .target = "/dev/mqueue"}};
  const auto plan = MakeInitPlan(spec_, fds_, {.attach_point = "/x", .own_ipc = false});
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->mounts[0].root_label, "");
}

TEST_F(MakeInitPlanTest, RefusesADescriptorThatIsNotThere) {
  spec_.root_fd_index = 2;
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "root_fd_index"));
  spec_.root_fd_index = kNoFd;
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "root_fd_index"));
}

TEST_F(MakeInitPlanTest, RefusesADescriptorThatIsNamedTwice) {
  spec_.mounts = {{.kind = MountKind::kDetached, .target = "/a", .fd_index = 1},
                  {.kind = MountKind::kDetached, .target = "/b", .fd_index = 1}};
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "/b"));
}

TEST_F(MakeInitPlanTest, RefusesARelativeTargetAndAnUnknownKind) {
  spec_.mounts = {{.kind = MountKind::kTmpfs, .target = "a"}};
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "target"));
  fds_ = TwoFds();
  spec_.mounts = {{.kind = static_cast<MountKind>(77), .target = "/a"}};
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "77"));
}

TEST_F(MakeInitPlanTest, RefusesRelativeMaskedAndReadonlyPaths) {
  spec_.masked_paths = {"a"};
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "masked_paths"));
  fds_ = TwoFds();
  spec_.masked_paths.clear();
  spec_.readonly_paths = {"b"};
  EXPECT_THAT(Plan(), FailsWith(Code::kInvalidArgument, "readonly_paths"));
}

}  // namespace
}  // namespace trivet::shim
