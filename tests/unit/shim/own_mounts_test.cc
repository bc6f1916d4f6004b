#include "shim/own_mounts.h"

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

MountPlan Tmpfs(std::string target) {
  return {.target = std::move(target), .file_system = "tmpfs"};
}

class OwnMountsTest : public ::testing::Test {
 protected:
  const MountPlan dev_ = Tmpfs("/dev");
  OwnMounts own_;
};

TEST_F(OwnMountsTest, FindWhatIsRightBelowOne) {
  own_.Note(dev_, 7);
  EXPECT_EQ(own_.Find("/dev/pts").fd, 7);
  EXPECT_STREQ(own_.Find("/dev/pts").name, "pts");
  EXPECT_EQ(own_.RootAt("/dev"), 7);
}

TEST_F(OwnMountsTest, DoNotFindWhatIsElsewhereOrDeeper) {
  own_.Note(dev_, 7);
  for (const char* path : {"/dev", "/dev/", "/device", "/dev/a/b", "/dev/..", "/dev/.", "/etc/x"}) {
    EXPECT_EQ(own_.Find(path).fd, -1) << path;
  }
}

TEST_F(OwnMountsTest, AreOnlyNewOnes) {
  const MountPlan of_the_node{.target = "/dev"};
  own_.Note(of_the_node, 7);
  EXPECT_EQ(own_.Find("/dev/pts").fd, -1);
}

TEST_F(OwnMountsTest, AreForgottenUnderWhatMayBeOnTopOfThem) {
  const MountPlan again{.target = "/dev"};
  const MountPlan deeper{.target = "/var/run"};  // /var may be a link to the root
  const MountPlan linked{.target = "/mnt", .follows_link = true};
  for (const MountPlan* mount : {&again, &deeper, &linked}) {
    own_.Note(dev_, 7);
    own_.Note(*mount, 8);
    EXPECT_EQ(own_.Find("/dev/pts").fd, -1) << mount->target;
  }
}

TEST_F(OwnMountsTest, StayBesideOtherSystemFoldersAndFiles) {
  const MountPlan sys{.target = "/sys", .file_system = "sysfs"};
  const MountPlan hosts{.target = "/etc/hosts", .is_directory = false, .follows_link = true};
  own_.Note(dev_, 7);
  own_.Note(sys, 8);
  own_.Note(hosts, 9);
  EXPECT_EQ(own_.Find("/dev/pts").fd, 7);
}

}  // namespace
}  // namespace trivet::shim
