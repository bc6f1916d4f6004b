#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "csi/filesystem/mount_flags.h"
#include "csi/filesystem/mount_table.h"
#include "csi/volume/presence.h"
#include "csi/volume/target_path.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

constexpr const char* kMountinfo =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
    "23 22 0:6 / /dev rw - devtmpfs devtmpfs rw\n"
    "30 22 7:3 / /kubelet/a\\040b rw,noatime shared:9 - ext4 /dev/loop3 rw\n"
    "31 22 7:3 / /kubelet/pod ro,relatime - ext4 /dev/loop3 rw\n"
    "32 22 0:6 /loop4 /kubelet/raw rw - devtmpfs devtmpfs rw\n"
    "33 22 7:5 / /kubelet/pod rw - xfs /dev/loop5 rw\n";

MountTable ReadExample(const TempDirectory& folder) {
  folder.Fill({{"mountinfo", kMountinfo}});
  return *MountTable::Read(folder / "mountinfo");
}

TEST(MountTable, ReadsPathsWithSpacesAndTheMountsOwnReadOnlyFlag) {
  const TempDirectory folder;
  const MountTable table = ReadExample(folder);

  EXPECT_EQ(*table.At("/kubelet/a b"),
            (MountEntry{"/kubelet/a b", "/", "ext4", makedev(7, 3), false}));
  EXPECT_TRUE(table.entries()[3].read_only);
}

TEST(MountTable, ShowsTheTopmostOfTwoMountsAtOnePath) {
  const TempDirectory folder;
  EXPECT_EQ(ReadExample(folder).At("/kubelet/pod")->type, "xfs");
}

TEST(MountTable, HasNothingWhereNothingIsMounted) {
  const TempDirectory folder;
  EXPECT_EQ(ReadExample(folder).At("/kubelet"), nullptr);
}

TEST(Presence, KnowsAFileSystemAndABoundNodeOfADevice) {
  const TempDirectory folder;
  const MountTable table = ReadExample(folder);
  const DeviceName loop3{"/dev/loop3", makedev(7, 3)};
  const DeviceName loop4{"/dev/loop4", makedev(7, 4)};
  const DeviceName loop44{"/dev/loop44", makedev(7, 44)};

  EXPECT_TRUE(IsAt(table, "/kubelet/a b", loop3));
  EXPECT_TRUE(IsAt(table, "/kubelet/raw", loop4));
  EXPECT_FALSE(IsAt(table, "/kubelet/pod", loop3)) << "covered by loop5";
  EXPECT_FALSE(IsAnywhere(table, loop44));
}

TEST(ParseMountFlags, SortsAttributesFromOptions) {
  const auto flags = ParseMountFlags({"noatime,nosuid", "commit=5", "defaults", "ro"});

  ASSERT_THAT(flags, IsOk());
  EXPECT_EQ(flags->attributes,
            uint64_t{MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY});
  EXPECT_EQ(flags->options, (MountOptions{{"commit", "5"}}));
}

TEST(ParseMountFlags, LetsTheLastOfTwoOppositesDecide) {
  EXPECT_EQ(ParseMountFlags({"ro", "rw"})->attributes, 0U);
  EXPECT_EQ(ParseMountFlags({"noatime", "strictatime"})->attributes,
            uint64_t{MOUNT_ATTR_STRICTATIME});
}

class ParseMountFlagsRefuses : public ::testing::TestWithParam<const char*> {};

TEST_P(ParseMountFlagsRefuses, WhatIsNoOptionOfThisMount) {
  EXPECT_THAT(ParseMountFlags({"noatime", GetParam()}),
              FailsWith(Code::kInvalidArgument, "mount_flags"));
}

INSTANTIATE_TEST_SUITE_P(Flags, ParseMountFlagsRefuses,
                         ::testing::Values("remount", "bind", "rw,move", "rshared", "loop",
                                           "journal_path=/dev/sda", "logdev=/dev/sda", "a b",
                                           "x=\n", "=5"));

TEST(ParseMountFlags, RefusesMoreThanTheSpecAllows) {
  EXPECT_THAT(ParseMountFlags({std::string(4097, 'x')}), FailsWith(Code::kInvalidArgument, "4096"));
}

TEST(ParseMountFlags, DoesNotRepeatAValueThatMayBeSecret) {
  const auto refused = ParseMountFlags({"logdev=hunter2"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message().find("hunter2"), std::string::npos);
}

TEST(Resolve, FollowsLinksInParentsOnly) {
  const TempDirectory folder;
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_directory_symlink("real", folder / "link");
  std::filesystem::create_symlink("/etc", folder / "real/last");

  EXPECT_EQ(Resolve(folder / "link/last"), folder / "real/last");
  EXPECT_EQ(Resolve(folder / "link/new/"), folder / "real/new");
}

TEST(EnsureTarget, MakesAFolderOrAFileAndIsRepeatable) {
  const TempDirectory folder;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(EnsureTarget(folder / "mount", AccessType::kMount), IsOk());
    EXPECT_THAT(EnsureTarget(folder / "block", AccessType::kBlock), IsOk());
  }
  EXPECT_TRUE(std::filesystem::is_directory(folder / "mount"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder / "block"));
}

TEST(EnsureTarget, RefusesWhatIsOfAnotherKindOrALink) {
  const TempDirectory folder;
  folder.Fill({{"file", ""}});
  std::filesystem::create_directory_symlink("/etc", folder / "link");

  EXPECT_THAT(EnsureTarget(folder / "file", AccessType::kMount),
              FailsWith(Code::kFailedPrecondition, "not a folder"));
  EXPECT_THAT(EnsureTarget(folder / "link", AccessType::kMount),
              FailsWith(Code::kFailedPrecondition, "not a folder"));
  EXPECT_THAT(EnsureTarget(folder.path(), AccessType::kBlock),
              FailsWith(Code::kFailedPrecondition, "not a file"));
  EXPECT_THAT(EnsureTarget(folder / "a/b", AccessType::kMount),
              FailsWith(Code::kFailedPrecondition, "parent folder does not exist"));
}

TEST(RemoveTarget, SucceedsWhenAbsentAndNeverDeletesData) {
  const TempDirectory folder;
  folder.Fill({{"full/file", "data"}});

  EXPECT_THAT(RemoveTarget(folder / "absent"), IsOk());
  EXPECT_THAT(RemoveTarget(folder / "full"), FailsWith(Code::kFailedPrecondition, "holds files"));
  EXPECT_THAT(RemoveTarget(folder / "full/file"),
              FailsWith(Code::kFailedPrecondition, "not an empty file"));
  EXPECT_TRUE(std::filesystem::exists(folder / "full/file"));
}

}  // namespace
}  // namespace trivet::csi
