#include "csi/volume/capacity.h"

#include "csi/pool/ledger.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr Usage kExt4{.mount = true, .file_system = FileSystem::kExt4};
constexpr Usage kXfs{.mount = true, .file_system = FileSystem::kXfs};
constexpr Usage kBlock{.block = true};

struct Case {
  const char* name;
  CapacityRange range;
  Usage usage;
  uint64_t want;  // 0 = refused
};

class ChooseSizeTable : public ::testing::TestWithParam<Case> {};

TEST_P(ChooseSizeTable, Holds) {
  const auto& [name, range, usage, want] = GetParam();
  const auto size = ChooseSize(range, usage);
  if (want == 0) {
    EXPECT_THAT(size, FailsWith(Code::kOutOfRange, "capacity_range"));
  } else {
    EXPECT_EQ(size.value_or(0), want);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, ChooseSizeTable,
    ::testing::Values(Case{"NothingAskedIsTheDefault", {}, kBlock, kDefaultVolumeBytes},
                      Case{"ALimitBelowTheDefaultIsTaken", {0, 64 * kMiB}, kBlock, 64 * kMiB},
                      Case{"WhatIsRequiredIsExact", {64 * kMiB, 64 * kMiB}, kExt4, 64 * kMiB},
                      Case{"AnOddSizeGrowsToASector", {64 * kMiB + 1, 0}, kExt4, 64 * kMiB + 4096},
                      Case{
                          "AnOddSizeAtItsLimitIsRefused", {64 * kMiB + 1, 64 * kMiB + 1}, kExt4, 0},
                      Case{"Ext4HasAMinimum", {1, 0}, kExt4, 32 * kMiB},
                      Case{"XfsHasAMinimum", {64 * kMiB, 0}, kXfs, 300 * kMiB},
                      Case{"AMinimumAboveTheLimitIsRefused", {64 * kMiB, 64 * kMiB}, kXfs, 0},
                      Case{"TheLargestIsTaken", {kMaxVolumeBytes, 0}, kBlock, kMaxVolumeBytes},
                      Case{"OneMoreIsRefused", {kMaxVolumeBytes + 1, 0}, kBlock, 0},
                      Case{"TheLargestNumberIsRefused", {INT64_MAX, 0}, kBlock, 0}),
    [](const auto& row) { return row.param.name; });

TEST(Satisfies, LooksAtBothEnds) {
  EXPECT_TRUE(Satisfies(10, {10, 10}));
  EXPECT_TRUE(Satisfies(10, {0, 0}));
  EXPECT_FALSE(Satisfies(10, {11, 0}));
  EXPECT_FALSE(Satisfies(10, {0, 9}));
}

TEST(AvailableBytes, IsWhatIsFreeLessPromisesAndHeadroom) {
  EXPECT_EQ(AvailableBytes({.free_bytes = 100, .unwritten_bytes = 30, .headroom_bytes = 20}), 50U);
}

TEST(AvailableBytes, IsNeverNegative) {
  EXPECT_EQ(AvailableBytes({.free_bytes = 10, .unwritten_bytes = 30, .headroom_bytes = 20}), 0U);
  EXPECT_EQ(AvailableBytes({.free_bytes = 10, .headroom_bytes = 20}), 0U);
}

TEST(AvailableBytes, MayBePromisedBeyondWhatIsThereButNotToOneVolume) {
  const Space space{
      .free_bytes = 100, .overcommit_bytes = 50, .unwritten_bytes = 90, .headroom_bytes = 10};
  EXPECT_EQ(AvailableBytes(space), 50U);
  EXPECT_EQ(AvailableBytes({.free_bytes = 100, .overcommit_bytes = 900, .largest_bytes = 99}), 99U);
}

TEST(AvailableBytes, IsBoundByTheOperatorsLimitOnAllVolumes) {
  EXPECT_EQ(AvailableBytes({.free_bytes = 100, .promised_bytes = 30, .limit_bytes = 50}), 20U);
  EXPECT_EQ(AvailableBytes({.free_bytes = 100, .promised_bytes = 60, .limit_bytes = 50}), 0U);
}

}  // namespace
}  // namespace trivet::csi
