#include "common/linux/file.h"

#include <sys/stat.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using ::testing::ElementsAre;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using ::trivet::testing::TempDirectory;

TEST(WriteFileAtomically, ReplacesTheContentAndLeavesNoSibling) {
  const TempDirectory directory;
  directory.Fill({{"record", "old"}});
  EXPECT_THAT(WriteFileAtomically(directory / "record", "new"), IsOk());
  EXPECT_EQ(*ReadFile(directory / "record"), "new");
  EXPECT_THAT(*ListDirectory(directory.path()), ElementsAre("record"));
}

TEST(WriteFileAtomically, LeavesNothingWhenItFails) {
  const TempDirectory directory;
  directory.Fill({{"record/child", "a folder is in the way"}});
  EXPECT_THAT(WriteFileAtomically(directory / "record", "new"),
              FailsWith(Code::kInvalidArgument, "rename"));
  EXPECT_THAT(*ListDirectory(directory.path()), ElementsAre("record"));
}

TEST(RemoveAbandonedSiblings, KeepsTheRecordsAndOtherFiles) {
  const TempDirectory directory;
  directory.Fill({{"record", "x"}, {".record.12.3.tmp", "half"}, {".hidden", "x"}, {"a.tmp", "x"}});
  EXPECT_THAT(RemoveAbandonedSiblings(directory.path()), IsOk());
  EXPECT_THAT(*ListDirectory(directory.path()), ElementsAre(".hidden", "a.tmp", "record"));
  EXPECT_THAT(RemoveAbandonedSiblings(directory / "absent"), IsOk());
}

TEST(ReadFile, RefusesMoreThanItsLimit) {
  const TempDirectory directory;
  directory.Fill({{"big", std::string(100, 'x')}});
  EXPECT_THAT(ReadFile(directory / "big", 99), FailsWith(Code::kOutOfRange, "larger than 99"));
  EXPECT_THAT(ReadFile(directory / "big", 100), IsOk());
}

TEST(EnsureDirectory, MakesParentsAndIsRepeatable) {
  const TempDirectory directory;
  EXPECT_THAT(EnsureDirectory(directory / "a/b/c"), IsOk());
  EXPECT_THAT(EnsureDirectory(directory / "a/b/c"), IsOk());
}

TEST(EnsureDirectory, RefusesAFileInTheWay) {
  const TempDirectory directory;
  directory.Fill({{"a", ""}});
  EXPECT_THAT(EnsureDirectory(directory / "a"),
              FailsWith(Code::kFailedPrecondition, "not a folder"));
}

TEST(RemoveFile, SucceedsWhenTheFileIsAbsent) {
  const TempDirectory directory;
  EXPECT_THAT(RemoveFile(directory / "absent"), IsOk());
}

TEST(RemoveTree, DoesNotFollowLinks) {
  const TempDirectory directory;
  directory.Fill({{"keep/file", "x"}, {"tree/a", "y"}});
  std::filesystem::create_directory_symlink(directory / "keep", directory / "tree/link");
  EXPECT_THAT(RemoveTree(directory / "tree"), IsOk());
  EXPECT_THAT(ReadFile(directory / "keep/file"), IsOk());
}

TEST(RemoveTree, RemovesFoldersAndFilesAndSucceedsWhenThereIsNothing) {
  const TempDirectory directory;
  directory.Fill(
      {{"tree/a/b/file", "x"}, {"tree/a/file", "x"}, {"tree/c/file", "x"}, {"file", ""}});
  EXPECT_THAT(EnsureDirectory(directory / "tree/empty"), IsOk());
  EXPECT_THAT(RemoveTree(directory / "tree"), IsOk());
  EXPECT_THAT(RemoveTree(directory / "tree"), IsOk());
  EXPECT_THAT(RemoveTree(directory / "file"), IsOk());
  EXPECT_THAT(RemoveTree(directory / "absent/tree"), IsOk());
  EXPECT_THAT(*ListDirectory(directory.path()), ::testing::IsEmpty());
}

TEST(RemoveTree, RemovesManyFilesOfOneFolder) {
  const TempDirectory directory;
  EXPECT_THAT(EnsureDirectory(directory / "tree"), IsOk());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THAT(WriteFileVolatile(directory / ("tree/file-" + std::to_string(i)), ""), IsOk());
  }
  EXPECT_THAT(RemoveTree(directory / "tree"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(directory / "tree"));
}

TEST(RemoveTree, RemovesADeepTree) {
  const TempDirectory directory;
  std::filesystem::path deep = directory / "tree";
  for (int i = 0; i < 100; ++i) deep /= "d";
  EXPECT_THAT(EnsureDirectory(deep), IsOk());
  EXPECT_THAT(RemoveTree(directory / "tree"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(directory / "tree"));
}

}  // namespace
}  // namespace trivet
