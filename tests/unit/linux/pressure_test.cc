#include "common/linux/pressure.h"

#include "tests/testing/matchers.h"

namespace trivet {
namespace {

using ::trivet::testing::FailsWith;

TEST(ParsePressure, ReadsBothLines) {
  const auto pressure = ParsePressure(
      "some avg10=1.50 avg60=2.25 avg300=0.00 total=1234\n"
      "full avg10=0.50 avg60=0.00 avg300=0.25 total=99\n");
  ASSERT_TRUE(pressure.has_value());
  EXPECT_EQ(pressure->some.avg10, 1.5);
  EXPECT_EQ(pressure->some.avg60, 2.25);
  EXPECT_EQ(pressure->some.total_us, 1234u);
  EXPECT_EQ(pressure->full.avg300, 0.25);
  EXPECT_EQ(pressure->full.total_us, 99u);
}

TEST(ParsePressure, RefusesWhatIsNoPressureFile) {
  EXPECT_THAT(ParsePressure("max 100000\n"), FailsWith(Code::kInternal, "max 100000"));
  EXPECT_THAT(ParsePressure("half avg10=1 avg60=2 avg300=0 total=1\n"),
              FailsWith(Code::kInternal, "half"));
}

}  // namespace
}  // namespace trivet
