#include "cni/release.h"

#include <gmock/gmock.h>

#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using testing::IsOk;
using testing::TempDirectory;

TEST(ReleaseEarlierBoots, MakesTheStateFolderOfTheFirstAddOnANode) {
  const TempDirectory temp;
  const Paths paths(temp.path() / "never/made");
  EXPECT_THAT(ReleaseEarlierBoots(paths, "boot-1"), IsOk());
  EXPECT_EQ(ReadFile(paths.boot_id()).value(), "boot-1");
}

TEST(ReleaseEarlierBoots, RemovesRecordsThatAPowerCutHasTorn) {
  const TempDirectory temp;
  const Paths paths(temp.path());
  ASSERT_THAT(EnsureDirectory(paths.attachments()), IsOk());
  const auto make = [&](const std::string& name, std::string_view content) {
    ASSERT_THAT(WriteFileVolatile(paths.attachments() / name, content), IsOk());
  };
  make("net@empty@eth0.json", "");
  make("net@+0123456789abcdef@eth0.json", "{\"version\":");
  make("net@other@eth0.json", "{}");
  make("net@newer@eth0.json", R"({"version": 1000})");
  make("somebody's file", "");

  EXPECT_THAT(ReleaseEarlierBoots(paths, "boot-1"), IsOk());

  EXPECT_THAT(ListDirectory(paths.attachments()).value(),
              ::testing::UnorderedElementsAre("lock", "net@newer@eth0.json", "somebody's file"));
}

}  // namespace
}  // namespace trivet::cni
