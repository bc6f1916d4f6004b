#include "common/linux/path_in_root.h"

#include <fcntl.h>

#include <filesystem>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

class PathInRoot : public ::testing::Test {
 protected:
  PathInRoot() {
    std::filesystem::create_directory(directory_ / "root");
    std::filesystem::create_directory(directory_ / "outside");
    root_ = UniqueFd(::open((directory_ / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void Link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, directory_ / "root" / name);
  }
  [[nodiscard]] bool Exists(const std::string& name) const {
    return std::filesystem::exists(directory_ / name);
  }
  testing::TempDirectory directory_;
  UniqueFd root_;
};

TEST_F(PathInRoot, MakesAFolderWithItsParents) {
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "/a/b/c"), IsOk());
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "a//b/c/"), IsOk());
  EXPECT_TRUE(Exists("root/a/b/c"));
}

TEST_F(PathInRoot, TakesAnAbsoluteLinkFromTheRoot) {
  Link("/real", "link");
  std::filesystem::create_directory(directory_ / "root/real");
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "/link/sub"), IsOk());
  EXPECT_TRUE(Exists("root/real/sub"));
}

TEST_F(PathInRoot, FillsInWhatALinkToNothingPointsTo) {
  Link("/made/here", "folder");
  Link("../made/file", "a-file");
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "/folder/sub"), IsOk());
  EXPECT_THAT(EnsureFileInRoot(root_.get(), "/a-file"), IsOk());
  EXPECT_TRUE(Exists("root/made/here/sub"));
  EXPECT_TRUE(Exists("root/made/file"));
}

TEST_F(PathInRoot, NeverLeavesTheRoot) {
  Link("../outside", "up");
  Link((directory_ / "outside").native(), "absolute");
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "/up/x"), IsOk());
  EXPECT_THAT(EnsureDirectoryInRoot(root_.get(), "/absolute/x"), IsOk());
  EXPECT_THAT(EnsureFileInRoot(root_.get(), "/../../outside/f"), IsOk());
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "outside"));
}

TEST_F(PathInRoot, RefusesProcsMagicLinks) {
  const UniqueFd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  EXPECT_THAT(OpenInRoot(proc.get(), "/self/root", O_PATH),
              FailsWith(Code::kInvalidArgument, "symbolic links"));
}

TEST_F(PathInRoot, GivesUpOnLinksInACircle) {
  Link("b", "a");
  Link("a", "b");
  EXPECT_FALSE(EnsureDirectoryInRoot(root_.get(), "/a/x").has_value());
  EXPECT_FALSE(EnsureFileInRoot(root_.get(), "/a").has_value());
}

TEST_F(PathInRoot, RefusesAFileWhereAFolderMustBe) {
  ASSERT_THAT(EnsureFileInRoot(root_.get(), "/file"), IsOk());
  EXPECT_FALSE(EnsureDirectoryInRoot(root_.get(), "/file/x").has_value());
}

}  // namespace
}  // namespace trivet
