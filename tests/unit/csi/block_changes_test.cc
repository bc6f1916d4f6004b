#include "csi/volume/block_changes.h"

#include <gtest/gtest.h>

namespace trivet::csi {
namespace {

using Extents = std::vector<Extent>;
using Ranges = std::vector<BlockRange>;
constexpr uint64_t kSize = 1000;

TEST(AllocatedBlocks, JoinsNeighboursAndEndsWithTheVolume) {
  const Extents extents = {{.offset = 0, .bytes = 100, .place = 5000},
                           {.offset = 100, .bytes = 100, .place = 9000},
                           {.offset = 900, .bytes = 200, .place = 100}};
  EXPECT_EQ(AllocatedBlocks(extents, kSize), (Ranges{{0, 200}, {900, 100}}));
}

TEST(ChangedBlocks, AreNoneWhereBothHaveTheSamePlace) {
  const Extents whole = {{.offset = 100, .bytes = 300, .place = 5000}};
  const Extents pieces = {{.offset = 100, .bytes = 100, .place = 5000},
                          {.offset = 200, .bytes = 200, .place = 5100}};
  EXPECT_TRUE(ChangedBlocks(whole, whole, kSize).empty());
  EXPECT_TRUE(ChangedBlocks(whole, pieces, kSize).empty());
  EXPECT_TRUE(ChangedBlocks(pieces, whole, kSize).empty());
}

TEST(ChangedBlocks, AreThePartsThatMoved) {
  const Extents base = {{.offset = 0, .bytes = 400, .place = 5000}};
  const Extents target = {{.offset = 0, .bytes = 100, .place = 5000},
                          {.offset = 100, .bytes = 50, .place = 70},
                          {.offset = 150, .bytes = 250, .place = 5150}};
  EXPECT_EQ(ChangedBlocks(base, target, kSize), (Ranges{{100, 50}}));
}

TEST(ChangedBlocks, AreWhereOnlyOneHasSomething) {
  const Extents base = {{.offset = 0, .bytes = 100, .place = 5000}};
  const Extents target = {{.offset = 500, .bytes = 100, .place = 6000}};
  EXPECT_EQ(ChangedBlocks(base, target, kSize), (Ranges{{0, 100}, {500, 100}}));
}

TEST(ChangedBlocks, IncludeWhatGrewAndNothingBeyondTheEnd) {
  const Extents base = {{.offset = 0, .bytes = 500, .place = 5000}};
  const Extents target = {{.offset = 0, .bytes = 500, .place = 5000},
                          {.offset = 500, .bytes = 900, .place = 90}};
  EXPECT_EQ(ChangedBlocks(base, target, kSize), (Ranges{{500, 500}}));
}

TEST(ChangedBlocks, IncludeWhatHasNoComparablePlace) {
  const Extents encoded = {{.offset = 0, .bytes = 100, .place = 0, .comparable = false}};
  EXPECT_EQ(ChangedBlocks(encoded, encoded, kSize), (Ranges{{0, 100}}));
}

TEST(From, CutsTheRangeThatTheOffsetIsIn) {
  const Ranges ranges = {{0, 100}, {200, 100}, {400, 100}};
  EXPECT_EQ(From(ranges, 0), ranges);
  EXPECT_EQ(From(ranges, 250), (Ranges{{250, 50}, {400, 100}}));
  EXPECT_TRUE(From(ranges, 500).empty());
}

}  // namespace
}  // namespace trivet::csi
