#include "common/base/utc_time.h"

#include <gmock/gmock.h>

namespace trivet {
namespace {

TEST(UtcTime, IsWrittenToTheNanosecond) {
  EXPECT_EQ(UtcTime(0).text(), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(UtcTime(1'769'860'800'000'000'005).text(), "2026-01-31T12:00:00.000000005Z");
}

}  // namespace
}  // namespace trivet
