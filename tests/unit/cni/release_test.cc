#include "cni/release.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace trivet::cni
