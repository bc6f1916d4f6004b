#include "ctl/object/quantity.h"

#include "tests/testing/matchers.h"

namespace trivet::ctl {
namespace {

using ::testing::TestWithParam;
using ::testing::ValuesIn;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;

struct Good {
  const char* text;
  int64_t units;
  int64_t milli;
};
constexpr Good kGood[] = {{"0", 0, 0},
                          {"1", 1, 1000},
                          {"500m", 1, 500},
                          {"0.5", 1, 500},
                          {"1.1", 2, 1100},
                          {"0.29", 1, 290},
                          {"1n", 1, 1},
                          {"64Mi", 64LL << 20, (64LL << 20) * 1000},
                          {"1.5Ki", 1536, 1536000},
                          {"1k", 1000, 1000000},
                          {"2e3", 2000, 2000000},
                          {"1E-1", 1, 100},
                          {"1E", 1000000000000000000, -1}};

TEST(ParseQuantity, CountsUnitsAndThousandthsRoundedUp) {
  for (const Good& good : kGood) {
    const auto units = ParseQuantity(good.text);
    ASSERT_THAT(units, IsOk()) << good.text;
    EXPECT_EQ(*units, good.units) << good.text;
    const auto milli = ParseMilliQuantity(good.text);
    EXPECT_EQ(milli ? *milli : -1, good.milli) << good.text;
  }
}

TEST(ParseQuantity, RefusesWhatIsNone) {
  for (const char* text : {"", "-1", "Mi", "1.2.3", "1 Mi", "1mi", "1e", "9Ei", "1e99",
                           "1234567890123456789", "0x10", "NaN"}) {
    EXPECT_THAT(ParseQuantity(text), FailsWith(Code::kInvalidArgument, "quantity")) << text;
  }
}

}  // namespace
}  // namespace trivet::ctl
