#include "cni/ip_prefix.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;

IpPrefix Prefix(const char* text) {
  return *IpPrefix::Parse(text);
}
IpAddress Address(const char* text) {
  return *IpAddress::Parse(text);
}

TEST(IpAddress, WritesTheShortForm) {
  EXPECT_EQ(Address("fd00:0:0:0:0:0:0:5").ToString(), "fd00::5");
  EXPECT_EQ(Address("10.1.0.5").ToString(), "10.1.0.5");
}

TEST(IpAddress, ReadsEveryDottedQuadAsTheCLibraryDoes) {
  for (const char* text : {"0.0.0.0", "1.20.255.0", "255.255.255.255"}) {
    std::array<std::byte, 4> expected{};
    ASSERT_EQ(::inet_pton(AF_INET, text, expected.data()), 1);
    EXPECT_TRUE(std::ranges::equal(Address(text).bytes(), expected)) << text;
    EXPECT_EQ(Address(text).ToString(), text);
  }
}

TEST(IpAddress, NextAndPreviousCarryOverBytes) {
  EXPECT_EQ(Address("10.0.255.255").Next(), Address("10.1.0.0"));
  EXPECT_EQ(Address("10.1.0.0").Previous(), Address("10.0.255.255"));
  EXPECT_EQ(Address("fd00::ffff").Next(), Address("fd00::1:0"));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const std::string text :
       {"", "10.1", "10.1.0.256", "fd00::g", "::ffff:10.0.0.1", "10.0.0.1/8", " 10.0.0.1",
        "../../etc", "lock", "10.0.0.01", "10.0.0.1.", "10.0.0.1.2", "10..0.1", "10.0.0.-1",
        "10.0.0.+1", "10.0.0.1 ", "1000.0.0.1", "10.0.0.4294967297"}) {
    EXPECT_THAT(IpAddress::Parse(text), FailsWith(Code::kInvalidArgument, "")) << text;
  }
  EXPECT_THAT(IpAddress::Parse(std::string("10.0.0.1\0x", 10)),
              FailsWith(Code::kInvalidArgument, ""));
}

TEST(IpPrefix, RefusesWhatHasNoLength) {
  for (const char* text : {"10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "fd00::/129", "10.0.0.1/-1",
                           "10.0.0.1/8x", "/8", "10.0.0.1/ 8"}) {
    EXPECT_THAT(IpPrefix::Parse(text), FailsWith(Code::kInvalidArgument, "")) << text;
  }
}

TEST(IpPrefix, KnowsItsNetworkAndLastAddress) {
  EXPECT_EQ(Prefix("10.1.2.3/20").Network(), Prefix("10.1.0.0/20"));
  EXPECT_EQ(Prefix("10.1.2.3/20").Last(), Address("10.1.15.255"));
  EXPECT_EQ(Prefix("fd00::5/126").Last(), Address("fd00::7"));
}

TEST(IpPrefix, ContainsOnlyItsOwnFamily) {
  EXPECT_TRUE(Prefix("10.0.0.0/8").Contains(Address("10.9.9.9")));
  EXPECT_FALSE(Prefix("10.0.0.0/8").Contains(Address("11.0.0.0")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("::1")));
}

TEST(IpPrefix, OverlapsInEitherDirection) {
  EXPECT_TRUE(Prefix("10.0.0.0/8").Overlaps(Prefix("10.1.0.0/16")));
  EXPECT_TRUE(Prefix("10.1.0.0/16").Overlaps(Prefix("10.0.0.0/8")));
  EXPECT_FALSE(Prefix("10.1.0.0/16").Overlaps(Prefix("10.2.0.0/16")));
}

}  // namespace
}  // namespace trivet::cni
