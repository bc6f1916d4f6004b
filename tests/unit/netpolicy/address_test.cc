#include "netpolicy/model/address.h"

#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;

Range Cidr(const char* text) {
  return Range::ParseCidr(text).value_or(Range{});
}
Range FromTo(const char* first, const char* last) {
  return {Address::Parse(first).value_or(Address{}), Address::Parse(last).value_or(Address{})};
}

TEST(AddressParse, RefusesWhatInetPtonWouldCutShort) {
  EXPECT_THAT(Address::Parse(std::string_view("10.0.0.1\0x", 10)),
              FailsWith(Code::kInvalidArgument, "is not an IP address"));
  EXPECT_THAT(Address::Parse(""), FailsWith(Code::kInvalidArgument, ""));
  EXPECT_THAT(Address::Parse("10.0.0.1/8"), FailsWith(Code::kInvalidArgument, ""));
}

TEST(RangeParseCidr, IgnoresTheBitsBehindThePrefix) {
  EXPECT_EQ(Cidr("10.1.2.3/8"), FromTo("10.0.0.0", "10.255.255.255"));
  EXPECT_EQ(Cidr("fd00::5/127"), FromTo("fd00::4", "fd00::5"));
  EXPECT_EQ(Cidr("0.0.0.0/0"), FromTo("0.0.0.0", "255.255.255.255"));
  EXPECT_EQ(Cidr("10.0.0.1/32"), FromTo("10.0.0.1", "10.0.0.1"));
}

TEST(Subtract, CutsHolesAtBothEndsAndInTheMiddle) {
  EXPECT_THAT(Subtract(Cidr("10.0.0.0/29"), {Cidr("10.0.0.0/32"), Cidr("10.0.0.4/31")}),
              ElementsAre(FromTo("10.0.0.1", "10.0.0.3"), FromTo("10.0.0.6", "10.0.0.7")));
  EXPECT_THAT(Subtract(Cidr("10.0.0.0/30"), {Cidr("10.0.0.2/31")}),
              ElementsAre(FromTo("10.0.0.0", "10.0.0.1")));
}

TEST(Subtract, ReachesTheEndsOfAFamily) {
  EXPECT_THAT(Subtract(Cidr("0.0.0.0/0"), {Cidr("0.0.0.0/1"), Cidr("192.0.0.0/2")}),
              ElementsAre(Cidr("128.0.0.0/2")));
  EXPECT_TRUE(Subtract(Cidr("::/0"), {Cidr("::/1"), Cidr("8000::/1")}).empty());
}

TEST(Subtract, LeavesARangeOfTheOtherFamilyAlone) {
  EXPECT_THAT(Subtract(Cidr("10.0.0.0/8"), {Cidr("::/0")}), ElementsAre(Cidr("10.0.0.0/8")));
}

TEST(Merge, JoinsNeighboursAndOverlapsAndKeepsFamiliesApart) {
  EXPECT_THAT(
      Merge({Cidr("fd00::/64"), Cidr("10.0.1.0/24"), Cidr("10.0.0.0/24"), Cidr("10.0.0.7/32"),
             Cidr("10.0.3.0/24")}),
      ElementsAre(FromTo("10.0.0.0", "10.0.1.255"), Cidr("10.0.3.0/24"), Cidr("fd00::/64")));
}

}  // namespace
}  // namespace trivet::netpolicy
