#include "cni/bridge_gateway.h"

#include <gtest/gtest.h>

#include "cni/masquerade.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

AddResult With(std::initializer_list<const char*> addresses) {
  AddResult result;
  for (const char* address : addresses)
    result.ips.push_back({.address = *IpPrefix::Parse(address)});
  return result;
}

TEST(CompleteGateways, GivesTheSubnetsFirstAddressToABridgeThatIsAGateway) {
  AddResult result = With({"10.1.2.5/24", "fd00::5/64"});

  CompleteGateways({.is_gateway = true}, result);

  EXPECT_EQ(result.ips[0].gateway, *IpAddress::Parse("10.1.2.1"));
  EXPECT_EQ(result.ips[1].gateway, *IpAddress::Parse("fd00::1"));
  EXPECT_THAT(result.routes, IsEmpty());
}

TEST(CompleteGateways, LeavesALayerTwoNetworkAsItIs) {
  AddResult result = With({"10.1.2.5/24"});

  CompleteGateways({}, result);

  EXPECT_FALSE(result.ips[0].gateway.has_value());
}

TEST(CompleteGateways, AddsADefaultRouteOfEachFamilyUnlessIpamDid) {
  AddResult result = With({"10.1.2.5/24", "10.2.2.5/24", "fd00::5/64"});
  Route told;
  told.destination = *IpPrefix::Parse("::/0");
  result.routes = {told};

  CompleteGateways({.is_gateway = true, .is_default_gateway = true}, result);

  ASSERT_THAT(result.routes, SizeIs(2));
  EXPECT_EQ(result.routes[1].destination, *IpPrefix::Parse("0.0.0.0/0"));
  EXPECT_EQ(result.routes[1].gateway, *IpAddress::Parse("10.1.2.1"));
}

TEST(GatewayAddresses, NamesEachOnceWithItsPrefix) {
  AddResult result = With({"10.1.2.5/24", "10.1.2.6/24"});
  for (IpConfig& ip : result.ips) ip.gateway = *IpAddress::Parse("10.1.2.1");

  EXPECT_THAT(GatewayAddresses(result), ElementsAre(*IpPrefix::Parse("10.1.2.1/24")));
}

TEST(MacOf, IsTheSameForAReusedAddress) {
  EXPECT_EQ(MacOf(*IpAddress::Parse("10.1.0.5")), "0a:58:0a:01:00:05");
  EXPECT_NE(MacOf(*IpAddress::Parse("fd00::5")), MacOf(*IpAddress::Parse("fd00::6")));
}

TEST(MasqueradeChainName, IsANameForTheNftProgramAndItsOwn) {
  EXPECT_TRUE(MasqueradeChainName("9-a.b").starts_with("net_9_a_b_"));
  EXPECT_NE(MasqueradeChainName("a-b"), MasqueradeChainName("a.b"));
  EXPECT_LE(MasqueradeChainName(std::string(255, 'n')).size(), 80U);
}

}  // namespace
}  // namespace trivet::cni
