#include "cni/add_result.h"

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;

AddResult DualStack() {
  AddResult result;
  result.interfaces = {{.name = "cni0", .mac = "02:00:00:00:00:01", .mtu_bytes = 1450},
                       {.name = "eth0", .mac = "0a:58:0a:01:00:05", .sandbox = "/run/netns/a"}};
  result.ips = {{.address = *IpPrefix::Parse("10.1.0.5/24"),
                 .gateway = *IpAddress::Parse("10.1.0.1"),
                 .interface = 1},
                {.address = *IpPrefix::Parse("fd00::5/64"), .interface = 1}};
  Route route;
  route.destination = *IpPrefix::Parse("0.0.0.0/0");
  route.gateway = *IpAddress::Parse("10.1.0.1");
  route.priority = 7;
  result.routes = {route};
  result.dns.nameservers = {"10.1.0.53"};
  return result;
}

TEST(AddResultToJson, OfVersion110HasEverything) {
  const json::Value value = ToJson(DualStack(), SpecVersion::k110);

  EXPECT_EQ(value["cniVersion"], "1.1.0");
  EXPECT_EQ(value["interfaces"][0]["mtu"], 1450);
  EXPECT_EQ(value["interfaces"][1]["sandbox"], "/run/netns/a");
  EXPECT_EQ(value["ips"][0], json::Value::parse(R"({"address": "10.1.0.5/24",
      "gateway": "10.1.0.1", "interface": 1})"));
  EXPECT_EQ(value["routes"][0]["priority"], 7);
  EXPECT_EQ(value["dns"]["nameservers"][0], "10.1.0.53");
}

TEST(AddResultToJson, OfVersion100KnowsNoMtuAndNoPriority) {
  const json::Value value = ToJson(DualStack(), SpecVersion::k100);

  EXPECT_FALSE(value["interfaces"][0].contains("mtu"));
  EXPECT_FALSE(value["routes"][0].contains("priority"));
  EXPECT_FALSE(value["ips"][0].contains("version"));
}

TEST(AddResultToJson, OfVersions03And04NameTheFamily) {
  for (const SpecVersion version : {SpecVersion::k030, SpecVersion::k031, SpecVersion::k040}) {
    const json::Value value = ToJson(DualStack(), version);
    EXPECT_EQ(value["cniVersion"], Name(version));
    EXPECT_EQ(value["ips"][0]["version"], "4");
    EXPECT_EQ(value["ips"][1]["version"], "6");
  }
}

TEST(AddResultToJson, OfVersions01And02HasOneAddressPerFamily) {
  for (const SpecVersion version : {SpecVersion::k010, SpecVersion::k020}) {
    const json::Value value = ToJson(DualStack(), version);
    EXPECT_EQ(value["ip4"], json::Value::parse(R"({"ip": "10.1.0.5/24", "gateway": "10.1.0.1",
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}]})"));
    EXPECT_EQ(value["ip6"], json::Value::parse(R"({"ip": "fd00::5/64"})"));
    EXPECT_FALSE(value.contains("ips"));
    EXPECT_FALSE(value.contains("interfaces"));
  }
}

TEST(ParseAddResult, ReadsBackEveryVersion) {
  for (const SpecVersion version : {SpecVersion::k030, SpecVersion::k040, SpecVersion::k110}) {
    const auto result = ParseAddResult(ToJson(DualStack(), version));
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(ToJson(*result, version), ToJson(DualStack(), version));
  }
  const auto legacy = ParseAddResult(ToJson(DualStack(), SpecVersion::k020));
  ASSERT_THAT(legacy, IsOk());
  EXPECT_EQ(ToJson(*legacy, SpecVersion::k020), ToJson(DualStack(), SpecVersion::k020));
}

struct BadResult {
  const char* name;
  const char* text;
  const char* words;
};

class ParseAddResultRefuses : public ::testing::TestWithParam<BadResult> {};

TEST_P(ParseAddResultRefuses, AndNamesTheField) {
  EXPECT_THAT(ParseAddResult(json::Value::parse(GetParam().text)),
              FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseAddResultRefuses,
    ::testing::Values(
        BadResult{"List", "[]", "not an object"},
        BadResult{"IpsObject", R"({"ips": {}})", "ips: not a list"},
        BadResult{"IpsOfNumbers", R"({"ips": [7]})", "ips[0]: not an object"},
        BadResult{"AddressMissing", R"({"ips": [{}]})", "ips[0]: address: missing"},
        BadResult{"AddressWithoutLength", R"({"ips": [{"address": "10.0.0.1"}]})",
                  "ips[0]: address"},
        BadResult{"GatewayName", R"({"ips": [{"address": "10.0.0.1/8", "gateway": "gw"}]})",
                  "ips[0]: gateway"},
        BadResult{
            "InterfaceBeyondTheEnd",
            R"({"interfaces": [{"name": "a"}], "ips": [{"address": "10.0.0.1/8", "interface": 1}]})",
            "interface 1 of 1"},
        BadResult{"InterfaceWithoutName", R"({"interfaces": [{}]})", "interfaces[0]: name"},
        BadResult{"RouteWithoutDestination", R"({"routes": [{"gw": "10.0.0.1"}]})",
                  "routes[0]: dst"},
        BadResult{"RouteNegativeMtu", R"({"routes": [{"dst": "0.0.0.0/0", "mtu": -1}]})", "mtu"},
        BadResult{"DnsList", R"({"dns": []})", "dns: not an object"},
        BadResult{"LegacyText", R"({"ip4": "10.0.0.1/8"})", "ip4: not an object"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace trivet::cni
