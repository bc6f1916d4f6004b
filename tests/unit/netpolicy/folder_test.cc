#include "netpolicy/watch/folder.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <fstream>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::netpolicy {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;

std::string PolicyYaml(const char* name) {
  return std::string("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ") +
         name + "}\nspec: {podSelector: {}}\n";
}

class FolderSourceTest : public ::testing::Test {
 protected:
  std::unique_ptr<FolderSource> Open() {
    auto source = FolderSource::Open({folder_.path()});
    EXPECT_THAT(source, IsOk());
    EXPECT_THAT((*source)->Refresh(), IsOk());
    return *std::move(source);
  }
  static bool HasEvent(const FolderSource& source) {
    pollfd ready{source.event_fd(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  static bool Changes(FolderSource& source) {
    const auto changed = source.Refresh();
    EXPECT_THAT(changed, IsOk());
    return changed.value_or(false);
  }
  static bool Has(const FolderSource& source, const char* name) {
    return source.cluster().policies.contains({"default", name});
  }

  const testing::TempDirectory folder_;
};

TEST_F(FolderSourceTest, ReadsWhatIsThereAndSkipsWhatIsNoManifest) {
  folder_.Fill(
      {{"a.yaml", PolicyYaml("a")}, {"b.json", "{}"}, {"c.txt", "x"}, {"d.yml", PolicyYaml("d")}});
  std::filesystem::remove(folder_ / "b.json");
  const auto source = Open();
  EXPECT_TRUE(Has(*source, "a"));
  EXPECT_TRUE(Has(*source, "d"));
  EXPECT_TRUE(source->complete());
  EXPECT_FALSE(Changes(*source));
}

TEST_F(FolderSourceTest, SeesFilesThatComeChangeMoveAndGo) {
  const auto source = Open();
  folder_.Fill({{"a.yaml", PolicyYaml("a")}});
  EXPECT_TRUE(HasEvent(*source));
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "a"));
  folder_.Fill({{"a.yaml", PolicyYaml("b")}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_FALSE(Has(*source, "a"));
  std::filesystem::rename(folder_ / "a.yaml", folder_ / "z.yaml");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "b"));
  std::filesystem::remove(folder_ / "z.yaml");
  EXPECT_TRUE(Changes(*source));
  EXPECT_THAT(source->cluster().policies, IsEmpty());
}

TEST_F(FolderSourceTest, KeepsTheLastGoodStateOfADamagedFile) {
  folder_.Fill({{"a.yaml", PolicyYaml("a")}});
  const auto source = Open();
  folder_.Fill({{"a.yaml", "kind: ["}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "a"));
  EXPECT_TRUE(source->complete());
  EXPECT_THAT(source->complaints(), ElementsAre(HasSubstr("a.yaml:1")));
  folder_.Fill({{"a.yaml", PolicyYaml("b")}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_THAT(source->complaints(), IsEmpty());
  EXPECT_TRUE(Has(*source, "b"));
}

TEST_F(FolderSourceTest, IsIncompleteWhileAFileWasNeverReadable) {
  folder_.Fill({{"a.yaml", "kind: ["}});
  const auto source = Open();
  EXPECT_FALSE(source->complete());
  std::filesystem::remove(folder_ / "a.yaml");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(source->complete());
}

TEST_F(FolderSourceTest, StaysCompleteWhenABrokenFileAppears) {
  const auto source = Open();
  folder_.Fill({{"new.yaml", "kind: ["}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(source->complete());
  EXPECT_THAT(source->complaints(), ElementsAre(HasSubstr("new.yaml")));
}

TEST_F(FolderSourceTest, NamesAnObjectThatTwoFilesHave) {
  folder_.Fill({{"a.yaml", PolicyYaml("same")}, {"b.yaml", PolicyYaml("same")}});
  const auto source = Open();
  EXPECT_THAT(source->complaints(),
              ElementsAre(HasSubstr("b.yaml:1: NetworkPolicy default/same: another manifest")));
}

TEST_F(FolderSourceTest, KeepsTheObjectsOfAFolderThatGoesAwayAndReadsItAgainWhenItIsBack) {
  folder_.Fill({{"m/a.yaml", PolicyYaml("a")}});
  auto source = *FolderSource::Open({folder_ / "m"});
  ASSERT_THAT(source->Refresh(), IsOk());
  std::filesystem::rename(folder_ / "m", folder_ / "gone");
  EXPECT_THAT(source->Refresh(), FailsWith(Code::kNotFound, "watch manifests"));
  EXPECT_TRUE(Has(*source, "a"));
  folder_.Fill({{"m/b.yaml", PolicyYaml("b")}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "b"));
  EXPECT_FALSE(Has(*source, "a"));
}

TEST_F(FolderSourceTest, RefusesAFolderThatIsAbsent) {
  EXPECT_THAT(FolderSource::Open({folder_ / "absent"}), FailsWith(Code::kNotFound, "absent"));
}

}  // namespace
}  // namespace trivet::netpolicy
