#include "common/linux/state_file.h"

#include <sys/stat.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

TEST(ReadRegularFile, FollowsNoLinkAndWaitsForNoPipe) {
  const TempDirectory directory;
  directory.Fill({{"plain", "x"}});
  std::filesystem::create_symlink("plain", directory / "link");
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);

  EXPECT_EQ(*ReadRegularFile(directory / "plain", 1), "x");
  for (const char* name : {"link", "fifo", "."}) {
    EXPECT_THAT(ReadRegularFile(directory / name, 1),
                FailsWith(Code::kFailedPrecondition, "not a regular file"));
  }
  EXPECT_THAT(ReadRegularFile(directory / "absent", 1), FailsWith(Code::kNotFound, "absent"));
}

TEST(ReadRegularFile, FollowsALinkToARegularFileWhereItIsTold) {
  const TempDirectory directory;
  directory.Fill({{"plain", "x"}});
  std::filesystem::create_symlink("plain", directory / "link");
  std::filesystem::create_symlink("fifo", directory / "link-to-fifo");
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mknod((directory / "socket").c_str(), S_IFSOCK | 0600, 0), 0);

  EXPECT_EQ(*ReadRegularFile(directory / "link", 1, LastLink::kIsFollowed), "x");
  for (const char* name : {"link-to-fifo", "socket"}) {
    EXPECT_THAT(ReadRegularFile(directory / name, 1, LastLink::kIsFollowed),
                FailsWith(Code::kFailedPrecondition, "not a regular file"));
  }
}

TEST(OverwriteFile, WritesWhereTheNewContentCoversTheOld) {
  const TempDirectory directory;
  directory.Fill({{"file", "old"}});
  EXPECT_EQ(OverwriteFile(directory / "file", "newer"), true);
  EXPECT_EQ(*ReadFile(directory / "file"), "newer");
  EXPECT_EQ(OverwriteFile(directory / "file", "new"), false);
  EXPECT_EQ(OverwriteFile(directory / "file", std::string(5000, 'x')), false);
  EXPECT_EQ(OverwriteFile(directory / "absent", "new"), false);
  EXPECT_EQ(*ReadFile(directory / "file"), "newer");
}

TEST(CreateFile, WritesWhereNothingIsAndLeavesAloneWhatIs) {
  const TempDirectory directory;
  EXPECT_EQ(CreateFile(directory / "file", "first", 0640), true);
  EXPECT_EQ(CreateFile(directory / "file", "second"), false);
  EXPECT_EQ(*ReadFile(directory / "file"), "first");
  std::filesystem::create_symlink("elsewhere", directory / "link");
  EXPECT_EQ(CreateFile(directory / "link", "x"), false);
  EXPECT_FALSE(std::filesystem::exists(directory / "elsewhere"));
  EXPECT_THAT(CreateFile(directory / "absent" / "file", "x"), FailsWith(Code::kNotFound, "absent"));
}

TEST(WritePage, WritesOverThePageThatIsThereAndReplacesAnythingElse) {
  const TempDirectory directory;
  const auto number = [&] {
    struct stat info{};
    ::stat((directory / "file").c_str(), &info);
    return info.st_ino;
  };
  EXPECT_THAT(WritePage(directory / "file", "long"), IsOk());
  const ino_t first = number();
  EXPECT_THAT(WritePage(directory / "file", "new"), IsOk());
  EXPECT_EQ(number(), first);
  EXPECT_EQ(*ReadFile(directory / "file"), "new" + std::string(4093, '\n'));
  const std::string larger(4097, 'x');
  EXPECT_THAT(WritePage(directory / "file", larger), IsOk());
  EXPECT_EQ(*ReadFile(directory / "file"), larger);
  EXPECT_THAT(WritePage(directory / "file", "small"), IsOk());
  EXPECT_EQ(*ReadFile(directory / "file"), "small" + std::string(4091, '\n'));
}

TEST(WriteFileThrough, TakesOverWhatAKilledCallHasLeft) {
  const TempDirectory directory;
  directory.Fill({{"file", "old"}, {".file.tmp", "a longer half"}});
  EXPECT_THAT(WriteFileThrough(directory / ".file.tmp", directory / "file", "new"), IsOk());
  EXPECT_EQ(*ReadFile(directory / "file"), "new");
  EXPECT_THAT(*ListDirectory(directory.path()), ElementsAre("file"));
}

TEST(VisitDirectory, EndsWhereItIsTold) {
  const TempDirectory directory;
  directory.Fill({{"a", ""}, {"b", ""}, {"c", ""}});
  int visits = 0;
  EXPECT_THAT(VisitDirectory(directory.path(),
                             [&](std::string_view /*name*/) {
                               return ++visits == 2 ? Visit::kStop : Visit::kGoOn;
                             }),
              IsOk());
  EXPECT_EQ(visits, 2);
}

}  // namespace
}  // namespace trivet
