#include "netpolicy/watch/folder.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>

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

TEST_F(FolderSourceTest, WaitsForNoPipeAndTakesItForADamagedFile) {
  folder_.Fill({{"a.yaml", PolicyYaml("a")}});
  const auto source = Open();
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  std::filesystem::rename(folder_ / "pipe", folder_ / "a.yaml");
  ASSERT_EQ(::mkfifo((folder_ / "b.yaml").c_str(), 0600), 0);
  std::filesystem::create_directory(folder_ / "c.yaml");
  ASSERT_EQ(::mknod((folder_ / "d.yaml").c_str(), S_IFSOCK | 0600, 0), 0);
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "a"));
  EXPECT_TRUE(source->complete());
  EXPECT_THAT(source->complaints(),
              ElementsAre(HasSubstr("a.yaml: not a regular file"), HasSubstr("b.yaml: not"),
                          HasSubstr("c.yaml: not"), HasSubstr("d.yaml: not")));
  EXPECT_FALSE(Open()->complete()) << "what a.yaml said is not known to another agent";
}

TEST_F(FolderSourceTest, NamesAKindThatIsMisspelt) {
  folder_.Fill({{"a.yaml", "apiVersion: v1\nkind: Networkpolicy\nmetadata: {name: a}\n"},
                {"b.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"}});
  const auto source = Open();
  EXPECT_THAT(source->complaints(), ElementsAre(HasSubstr("a.yaml:1: kind: 'Networkpolicy'")));
  EXPECT_FALSE(source->complete());
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

// As an unmounted folder leaves behind.
TEST_F(FolderSourceTest, KeepsTheObjectsWhenAnotherFolderWithoutManifestsIsInItsPlace) {
  folder_.Fill({{"m/a.yaml", PolicyYaml("a")}});
  const auto source = *FolderSource::Open({folder_ / "m"});
  ASSERT_THAT(source->Refresh(), IsOk());
  std::filesystem::rename(folder_ / "m", folder_ / "away");
  folder_.Fill({{"m/notes.txt", "x"}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(source->Refresh(), FailsWith(Code::kFailedPrecondition, "another folder"));
    EXPECT_TRUE(Has(*source, "a"));
  }
  std::filesystem::rename(folder_ / "m", folder_ / "empty");
  std::filesystem::rename(folder_ / "away", folder_ / "m");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "a"));
  std::filesystem::remove(folder_ / "m/a.yaml");
  EXPECT_TRUE(Changes(*source)) << "emptied by somebody who knows it";
  EXPECT_FALSE(Has(*source, "a"));
}

// The kubelet's way to change a ConfigMap's volume.
TEST_F(FolderSourceTest, SeesThatTheFolderWhichManifestsLeadThroughIsExchanged) {
  folder_.Fill({{"m/..1/a.yaml", PolicyYaml("old")}, {"m/..2/a.yaml", PolicyYaml("new")}});
  std::filesystem::create_symlink("..1", folder_ / "m/..data");
  std::filesystem::create_symlink("..data/a.yaml", folder_ / "m/a.yaml");
  const auto source = *FolderSource::Open({folder_ / "m"});
  ASSERT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "old"));
  std::filesystem::create_symlink("..2", folder_ / "m/..data_tmp");
  std::filesystem::rename(folder_ / "m/..data_tmp", folder_ / "m/..data");
  EXPECT_TRUE(HasEvent(*source));
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "new"));
  EXPECT_FALSE(Has(*source, "old"));
}

TEST_F(FolderSourceTest, SeesALinkedManifestAndNotAHalfWrittenOne) {
  folder_.Fill({{"store/a", PolicyYaml("a")}, {"store/b", PolicyYaml("b")}});
  std::filesystem::create_directory(folder_ / "m");
  const auto source = *FolderSource::Open({folder_ / "m"});
  ASSERT_TRUE(Changes(*source));
  std::filesystem::create_symlink(folder_ / "store/a", folder_ / "m/a.yaml");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "a"));
  std::filesystem::create_hard_link(folder_ / "store/b", folder_ / "m/b.yaml");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "b"));
  std::ofstream half(folder_ / "m/c.yaml");
  half << "kind: [" << std::flush;
  EXPECT_FALSE(Changes(*source));
}

TEST_F(FolderSourceTest, SeesThatTheFolderItselfIsALinkToAnotherNow) {
  folder_.Fill({{"one/a.yaml", PolicyYaml("a")}, {"two/b.yaml", PolicyYaml("b")}});
  std::filesystem::create_symlink("one", folder_ / "now");
  const auto source = *FolderSource::Open({folder_ / "now"});
  ASSERT_TRUE(Changes(*source));
  std::filesystem::create_symlink("two", folder_ / "next");
  std::filesystem::rename(folder_ / "next", folder_ / "now");
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "b"));
  EXPECT_FALSE(Has(*source, "a"));
  EXPECT_THAT(source->complaints(), IsEmpty());
  folder_.Fill({{"two/c.yaml", PolicyYaml("c")}});
  EXPECT_TRUE(Changes(*source));
  EXPECT_TRUE(Has(*source, "c"));
}

TEST_F(FolderSourceTest, RefusesAFolderThatIsAbsent) {
  EXPECT_THAT(FolderSource::Open({folder_ / "absent"}), FailsWith(Code::kNotFound, "absent"));
}

}  // namespace
}  // namespace trivet::netpolicy
