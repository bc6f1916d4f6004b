#include "cri-runtime/image/location.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(Location, IsAFolderAfterOci) {
  const auto location = Location::Parse("oci:/images/busybox");

  ASSERT_THAT(location, IsOk());
  ASSERT_TRUE(location->has_value());
  EXPECT_EQ((*location)->kind, Location::Kind::kFolder);
  EXPECT_EQ((*location)->path, "/images/busybox");
  EXPECT_EQ((*location)->name, "");
}

TEST(Location, TakesWhatFollowsThePathAsAName) {
  const auto location = Location::Parse("oci-archive:/a.tar:localhost/x:1");

  ASSERT_THAT(location, IsOk());
  ASSERT_TRUE(location->has_value());
  EXPECT_EQ((*location)->kind, Location::Kind::kArchive);
  EXPECT_EQ((*location)->path, "/a.tar");
  EXPECT_EQ((*location)->name, "localhost/x:1");
}

TEST(Location, IsNothingForAnImageName) {
  EXPECT_FALSE(Location::Parse("busybox:1")->has_value());
  EXPECT_FALSE(Location::Parse("oci:latest")->has_value());  // an image called oci
}

TEST(Location, RefusesARelativePath) {
  EXPECT_THAT(Location::Parse("oci-archive:a.tar"),
              FailsWith(Code::kInvalidArgument, "absolute path"));
}

}  // namespace
}  // namespace trivet::image
