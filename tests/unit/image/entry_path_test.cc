#include "cri-runtime/image/entry_path.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::trivet::testing::FailsWith;

constexpr uint64_t kDepth = 4;

TEST(EntryPath, DropsDotsAndEmptyParts) {
  EXPECT_THAT(EntryPath::Parse("./usr//bin/", kDepth)->parts, ElementsAre("usr", "bin"));
  EXPECT_THAT(EntryPath::Parse("./", kDepth)->parts, IsEmpty());
  EXPECT_EQ(EntryPath::Parse("./", kDepth)->text(), ".");
}

TEST(EntryPath, RefusesWhatLeadsOut) {
  EXPECT_THAT(EntryPath::Parse("../x", kDepth), FailsWith(Code::kInvalidArgument, "'..'"));
  EXPECT_THAT(EntryPath::Parse("a/../../x", kDepth), FailsWith(Code::kInvalidArgument, "'..'"));
  EXPECT_THAT(EntryPath::Parse("a/..", kDepth), FailsWith(Code::kInvalidArgument, "'..'"));
  EXPECT_THAT(EntryPath::Parse("/../etc", kDepth), FailsWith(Code::kInvalidArgument, "'..'"));
}

TEST(EntryPath, TakesAnAbsolutePathAsOneBelowTheRoot) {
  EXPECT_EQ(EntryPath::Parse("/ko-app/server", kDepth)->text(), "ko-app/server");
  EXPECT_TRUE(EntryPath::Parse("//", kDepth)->is_root());
}

TEST(EntryPath, RefusesWhatIsLongerThanAnyPath) {
  EXPECT_TRUE(EntryPath::Parse(std::string(4095, 'n'), kDepth));
  EXPECT_THAT(EntryPath::Parse(std::string(4096, 'n'), kDepth),
              FailsWith(Code::kInvalidArgument, "too long"));
}

TEST(EntryPath, RefusesMorePartsThanTheDepth) {
  EXPECT_THAT(EntryPath::Parse("1/2/3/4", kDepth)->parts, ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(EntryPath::Parse("1/2/3/4/5", kDepth),
              FailsWith(Code::kResourceExhausted, "deeper than 4"));
}

TEST(MarkerOf, TellsWhiteoutsFromOrdinaryNames) {
  EXPECT_EQ(MarkerOf("etc"), Marker::kNone);
  EXPECT_EQ(MarkerOf(".whatever"), Marker::kNone);
  EXPECT_EQ(MarkerOf(".wh.etc"), Marker::kWhiteout);
  EXPECT_EQ(MarkerOf(".wh..wh..opq"), Marker::kOpaque);
  EXPECT_EQ(MarkerOf(".wh..wh.plnk"), Marker::kIgnored);
}

TEST(WhitedOutName, RefusesTheFolderItselfAndItsParent) {
  EXPECT_EQ(*WhitedOutName(".wh.etc"), "etc");
  EXPECT_THAT(WhitedOutName(".wh."), FailsWith(Code::kInvalidArgument, "whiteout of nothing"));
  EXPECT_THAT(WhitedOutName(".wh.."), FailsWith(Code::kInvalidArgument, "whiteout of nothing"));
  EXPECT_THAT(WhitedOutName(".wh..."), FailsWith(Code::kInvalidArgument, "whiteout of nothing"));
}

}  // namespace
}  // namespace trivet::image
