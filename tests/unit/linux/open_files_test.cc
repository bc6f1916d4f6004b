#include "common/linux/open_files.h"

#include <gmock/gmock.h>

namespace trivet {
namespace {

TEST(EnoughOpenFiles, IsTheHardLimitUpToAMillion) {
  EXPECT_EQ(EnoughOpenFiles({1024, 524288}).rlim_cur, 524288U);
  EXPECT_EQ(EnoughOpenFiles({1024, 1 << 30}).rlim_cur, 1048576U);
  EXPECT_EQ(EnoughOpenFiles({1024, RLIM_INFINITY}).rlim_cur, 1048576U);
}

TEST(EnoughOpenFiles, LowersNothing) {
  EXPECT_EQ(EnoughOpenFiles({2 << 20, 4 << 20}).rlim_cur, rlim_t{2} << 20);
  EXPECT_EQ(EnoughOpenFiles({1024, 4 << 20}).rlim_max, rlim_t{4} << 20);
}

}  // namespace
}  // namespace trivet
