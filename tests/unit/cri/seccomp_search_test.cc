#include "cri-runtime/container/seccomp_search.h"

#include <gtest/gtest.h>

namespace trivet::container {
namespace {

constexpr size_t kAllow = 1;
constexpr size_t kDeny = 2;
constexpr uint32_t kAsked = 400;

TEST(SearchPlan, ComparesWithASingleNumberBetweenTwoAlike) {
  const Ranges ranges{{0, kAllow}, {200, kDeny}, {201, kAllow}};
  const auto choice = SearchPlan(ranges, kAsked).Best(0, ranges.size());
  EXPECT_EQ(choice.split, 0);
  EXPECT_EQ(choice.rest, kAllow);
}

TEST(SearchPlan, ComparesWithASingleNumberBeforeOthers) {
  const Ranges ranges{{0, kDeny}, {1, kAllow}};
  const auto choice = SearchPlan(ranges, kAsked).Best(0, ranges.size());
  EXPECT_EQ(choice.split, 0);
  EXPECT_EQ(choice.rest, kAllow);
}

TEST(SearchPlan, DividesWhereMoreThanSinglesDiffers) {
  const Ranges ranges{{0, kAllow}, {200, kDeny}, {202, kAllow}};
  EXPECT_NE(SearchPlan(ranges, kAsked).Best(0, ranges.size()).split, 0);
}

TEST(SearchPlan, FindsFirstWhatIsAskedMost) {
  Ranges ranges{{0, kAllow}};
  for (uint32_t pair = 0; pair < 8; ++pair) {
    ranges.push_back({300 + 4 * pair, kDeny});
    ranges.push_back({302 + 4 * pair, kAllow});
  }
  EXPECT_EQ(SearchPlan(ranges, kAsked).Best(0, ranges.size()).split, 1);
}

TEST(SearchPlan, TakesTheLastNumberThereIsForASingleOne) {
  const Ranges ranges{{0, kAllow}, {UINT32_MAX, kDeny}};
  EXPECT_EQ(SearchPlan(ranges, kAsked).Best(0, ranges.size()).rest, kAllow);
}

}  // namespace
}  // namespace trivet::container
