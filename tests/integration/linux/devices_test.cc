#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/linux/cgroup.h"
#include "common/linux/cgroup_v1.h"
#include "common/linux/cgroup_v2.h"
#include "common/linux/file.h"
#include "common/linux/process.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"

namespace trivet {
namespace {

using ::trivet::testing::IsOk;

// Both ways of restricting devices, on whatever hierarchies this node has: a hybrid node can try
// the v2 one, too.
class DevicesTest : public testing::RootTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const bool v2 = GetParam();
    const std::filesystem::path all = "/sys/fs/cgroup";
    root_ = std::filesystem::exists(all / "unified") && v2 ? all / "unified" : all;
    if (std::filesystem::exists(root_ / "cgroup.controllers") != v2) {
      GTEST_SKIP() << "this node has no cgroup " << (v2 ? "v2" : "v1");
    }
    if (!v2 && !std::filesystem::exists(root_ / "devices")) {
      GTEST_SKIP() << "this node has no devices hierarchy";
    }
    cgroups_ = std::move(v2 ? *UnifiedCgroups::Open(root_) : *LegacyCgroups::Open(root_));
    folder_ = (v2 ? root_ : root_ / "devices") / group_.substr(1);
    ASSERT_THAT(EnsureDirectory(folder_, 0755), IsOk());
  }
  void TearDown() override {
    if (cgroups_ == nullptr) return;
    EXPECT_THAT(cgroups_->Remove(group_), IsOk());
    ::rmdir(folder_.parent_path().c_str());  // it goes with the last test that runs at this moment
  }
  /// The errno of `work`, which returns false when it failed, in a process of the group.
  template <class Work>
  int ErrnoOf(Work work) {
    auto child = Clone3({});
    if (!child) return -1;
    if (child->pid == 0) {
      if (!WriteControlFile(folder_ / "cgroup.procs", "0")) ::_exit(255);
      ::_exit(work() ? 0 : errno);
    }
    return Reap(child->pidfd).value_or(-1);
  }
  int Open(const char* path, int flags) {
    return ErrnoOf([&] { return UniqueFd(::open(path, flags | O_CLOEXEC)).valid(); });
  }
  std::string group_ = "/trivet-test/devices-" + std::to_string(::getpid());
  std::filesystem::path root_;
  std::filesystem::path folder_;
  std::unique_ptr<Cgroups> cgroups_;
};

const DeviceRule kNullToRead{.major = 1, .minor = 3, .read = true};

TEST_P(DevicesTest, AreAllThereUntilRulesAreGiven) {
  EXPECT_EQ(Open("/dev/zero", O_RDWR), 0);
  EXPECT_THAT(cgroups_->CheckDeviceControl(), IsOk());
}

TEST_P(DevicesTest, CanBeUsedInTheWayTheirRuleSaysOnly) {
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  EXPECT_EQ(Open("/dev/null", O_RDONLY), 0);
  EXPECT_EQ(Open("/dev/null", O_WRONLY), EPERM);
  EXPECT_EQ(Open("/dev/null", O_RDWR), EPERM);
  EXPECT_EQ(Open("/dev/zero", O_RDONLY), EPERM);
}

TEST_P(DevicesTest, OfALaterCallReplaceThoseOfBefore) {
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  ASSERT_THAT(cgroups_->SetDevices(group_, DefaultDeviceRules()), IsOk());
  EXPECT_EQ(Open("/dev/zero", O_RDWR), 0);
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  EXPECT_EQ(Open("/dev/zero", O_RDWR), EPERM);
}

TEST_P(DevicesTest, OfTheSameRulesCanBeGivenAgain) {
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  EXPECT_EQ(Open("/dev/null", O_RDONLY), 0);
  EXPECT_EQ(Open("/dev/zero", O_RDONLY), EPERM);
}

// A daemon after this one has programs of its own.
TEST_P(DevicesTest, OfAnEarlierProcessAreReplaced) {
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  const auto later =
      std::move(GetParam() ? *UnifiedCgroups::Open(root_) : *LegacyCgroups::Open(root_));
  ASSERT_THAT(later->SetDevices(group_, DefaultDeviceRules()), IsOk());
  EXPECT_EQ(Open("/dev/zero", O_RDWR), 0);
}

TEST_P(DevicesTest, MayBeMadeByDefaultButNotOpened) {
  ASSERT_THAT(cgroups_->SetDevices(group_, DefaultDeviceRules()), IsOk());
  const std::string node = "/dev/trivet-test-" + std::to_string(::getpid());
  EXPECT_EQ(ErrnoOf([&] { return ::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 1)) == 0; }), 0);
  EXPECT_EQ(Open(node.c_str(), O_RDONLY), EPERM);
  EXPECT_EQ(::unlink(node.c_str()), 0);
  ASSERT_THAT(cgroups_->SetDevices(group_, {kNullToRead}), IsOk());
  EXPECT_EQ(ErrnoOf([&] { return ::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 1)) == 0; }),
            EPERM);
}

INSTANTIATE_TEST_SUITE_P(Of, DevicesTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "V2" : "V1"; });

}  // namespace
}  // namespace trivet
