#include "cni/point_to_point.h"

#include <gmock/gmock.h>

#include "cni/ptp_conf.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;

AddResult FromIpam(const std::vector<const char*>& addresses) {
  AddResult result;
  for (const char* address : addresses) {
    IpConfig ip;
    ip.address = *IpPrefix::Parse(address);
    ip.gateway = ip.address.Network().address.Next();
    result.ips.push_back(ip);
  }
  return result;
}

std::vector<std::string> Texts(const std::vector<Route>& routes) {
  std::vector<std::string> texts;
  for (const Route& route : routes) {
    texts.push_back(route.destination.ToString() +
                    (route.gateway ? " via " + route.gateway->ToString() : ""));
  }
  return texts;
}

TEST(MakeRouted, GivesEachFamilyItsAddressAloneAndTheDefaultRoute) {
  AddResult result = FromIpam({"10.1.0.5/16", "fd00:1::5/64"});

  ASSERT_THAT(MakeRouted(result), IsOk());

  EXPECT_EQ(result.ips[0].address.ToString(), "10.1.0.5/32");
  EXPECT_EQ(result.ips[1].address.ToString(), "fd00:1::5/128");
  EXPECT_THAT(Texts(result.routes),
              ::testing::ElementsAre("0.0.0.0/0 via 169.254.1.1", "::/0 via fe80::1"));
}

TEST(MakeRouted, LeavesADefaultRouteThatIpamTells) {
  AddResult result = FromIpam({"10.1.0.5/16"});
  result.routes.emplace_back().destination = *IpPrefix::Parse("0.0.0.0/0");

  ASSERT_THAT(MakeRouted(result), IsOk());

  EXPECT_THAT(Texts(result.routes), ::testing::ElementsAre("0.0.0.0/0 via 169.254.1.1"));
}

TEST(MakeRouted, RefusesAnotherGateway) {
  AddResult result = FromIpam({"10.1.0.5/16"});
  Route route;
  route.destination = *IpPrefix::Parse("192.0.2.0/24");
  route.gateway = *IpAddress::Parse("10.1.0.9");
  result.routes.push_back(route);

  EXPECT_THAT(MakeRouted(result), FailsWith(Code::kInvalidArgument, "192.0.2.0/24"));
}

TEST(SubnetRoutes, ReachTheGatewayFirstThenItsNetworkThenWhatIpamTells) {
  AddResult result = FromIpam({"10.1.0.5/16"});
  result.routes.emplace_back().destination = *IpPrefix::Parse("0.0.0.0/0");

  EXPECT_THAT(Texts(SubnetRoutes(result)),
              ::testing::ElementsAre("10.1.0.1/32", "10.1.0.0/16 via 10.1.0.1", "0.0.0.0/0"));
}

TEST(HostAddresses, AreTheGatewaysAndOneThatNeighboursAreAskedWith) {
  std::vector<std::string> texts;
  for (const IpPrefix& address : HostAddresses(FromIpam({"10.1.0.5/16", "fd00:1::5/64"}))) {
    texts.push_back(address.ToString());
  }
  EXPECT_THAT(texts, ::testing::ElementsAre("10.1.0.1/32", "fd00:1::1/128", "fe80::1/64"));
}

struct BadPtpConf {
  const char* name;
  const char* changes;
  const char* words;
};

class ParsePtpConfRefuses : public ::testing::TestWithParam<BadPtpConf> {
 protected:
  static Result<PtpConf> Parse(const char* changes) {
    json::Value root{{"name", "net"}, {"type", "ptp"}, {"ipam", {{"type", "host-local"}}}};
    root.update(json::Parse(changes).value());
    return ParsePtpConf(ParseNetConf(std::move(root)).value(), {});
  }
};

TEST_P(ParsePtpConfRefuses, AndNamesTheKey) {
  EXPECT_THAT(Parse(GetParam().changes), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParsePtpConfRefuses,
    ::testing::Values(BadPtpConf{"ModeUnknown", R"({"mode": "bridge"})", "mode: 'bridge'"},
                      BadPtpConf{"ModeNumber", R"({"mode": 1})", "mode"},
                      BadPtpConf{"MtuTooSmall", R"({"mtu": 67})", "mtu: 67"},
                      BadPtpConf{"MasqueradeText", R"({"ipMasq": "yes"})", "ipMasq"},
                      BadPtpConf{"MasqueradeBackend", R"({"ipMasqBackend": "bpf"})", "bpf"},
                      BadPtpConf{"Mac", R"({"runtimeConfig": {"mac": "x"}})", "mac: 'x'"},
                      BadPtpConf{"NoIpam", R"({"ipam": {}})", "ipam: type: missing"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace trivet::cni
