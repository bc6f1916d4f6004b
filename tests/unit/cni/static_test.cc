#include "cni/ipam/static.h"

#include <gmock/gmock.h>

#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;

class StaticTest : public ::testing::Test {
 protected:
  json::Value root_ = json::Value::parse(R"({
    "cniVersion": "1.1.0", "name": "net", "type": "static",
    "ipam": {"type": "static",
             "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"},
                           {"address": "fd00::5/64"}],
             "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}],
             "dns": {"nameservers": ["192.0.2.53"]}}})");
  Environment environment_;

  Result<AddResult> Parse() {
    ASSIGN_OR_RETURN(const NetConf conf, ParseNetConf(root_));
    return ParseStaticConf(conf, environment_);
  }
  /// "10.1.0.5/24 10.1.0.1", ...
  std::vector<std::string> Addresses() {
    std::vector<std::string> texts;
    const auto result = Parse();
    EXPECT_THAT(result, IsOk());
    if (!result) return texts;
    for (const IpConfig& ip : result->ips) {
      texts.push_back(ip.address.ToString() + (ip.gateway ? " " + ip.gateway->ToString() : ""));
    }
    return texts;
  }
  Result<> Check(const char* previous) {
    root_["prevResult"] = json::Value::parse(previous);
    ASSIGN_OR_RETURN(const NetConf conf, ParseNetConf(root_));
    return Static(conf, environment_).Check();
  }
};

TEST_F(StaticTest, GivesAddressesRoutesAndDnsAsTheyAre) {
  EXPECT_THAT(Addresses(), ElementsAre("10.1.0.5/24 10.1.0.1", "fd00::5/64"));
  EXPECT_EQ(Parse()->routes.size(), 1U);
  EXPECT_THAT(Parse()->dns.nameservers, ElementsAre("192.0.2.53"));
}

TEST_F(StaticTest, WithoutAddressesGivesNone) {
  root_["ipam"].erase("addresses");
  EXPECT_THAT(Addresses(), IsEmpty());
}

TEST_F(StaticTest, AddressesOfTheEnvironmentAreMoreWithTheGatewaysOfTheirNetworks) {
  environment_.args = {{"IP", "10.2.0.5/24, fd02::5/64"}, {"GATEWAY", "10.2.0.1,fd02::1"}};
  EXPECT_THAT(Addresses(), ElementsAre("10.1.0.5/24 10.1.0.1", "fd00::5/64", "10.2.0.5/24 10.2.0.1",
                                       "fd02::5/64 fd02::1"));
}

TEST_F(StaticTest, AddressesOfTheArgumentsReplaceAndThoseOfTheRuntimeReplaceThem) {
  environment_.args = {{"IP", "10.2.0.5/24"}};
  root_["args"]["cni"]["ips"] = {"10.3.0.5/24"};
  EXPECT_THAT(Addresses(), ElementsAre("10.3.0.5/24"));
  root_["runtimeConfig"]["ips"] = {"10.4.0.5/24", "fd04::5/64"};
  EXPECT_THAT(Addresses(), ElementsAre("10.4.0.5/24", "fd04::5/64"));
}

TEST_F(StaticTest, TheOldVersionsHaveRoomForOneAddressOfAFamily) {
  root_["cniVersion"] = "0.2.0";
  EXPECT_THAT(Parse(), IsOk());
  environment_.args = {{"IP", "10.2.0.5/24"}};
  EXPECT_THAT(Parse(), FailsWith(Code::kInvalidArgument, "0.2.0"));
}

TEST_F(StaticTest, CheckWantsEveryAddressAndItsGatewayInThePreviousResult) {
  EXPECT_THAT(Check(R"({"ips": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"},
                                {"address": "fd00::5/64", "gateway": "fd00::1"}]})"),
              IsOk());
  EXPECT_THAT(Check(R"({"ips": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}]})"),
              FailsWith(Code::kFailedPrecondition, "fd00::5/64"));
  EXPECT_THAT(Check(R"({"ips": [{"address": "10.1.0.5/24", "gateway": "10.1.0.9"},
                                {"address": "fd00::5/64"}]})"),
              FailsWith(Code::kFailedPrecondition, "10.1.0.1"));
}

struct BadStatic {
  const char* name;
  const char* patch;
  const char* words;
};

class StaticRefuses : public StaticTest, public ::testing::WithParamInterface<BadStatic> {};

TEST_P(StaticRefuses, AndNamesTheKey) {
  root_.merge_patch(json::Value::parse(GetParam().patch));
  EXPECT_THAT(Parse(), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, StaticRefuses,
    ::testing::Values(
        BadStatic{"NoPrefix", R"({"ipam": {"addresses": [{"address": "10.1.0.5"}]}})", "address"},
        BadStatic{"NoAddress", R"({"ipam": {"addresses": [{}]}})", "address: missing"},
        BadStatic{"NoList", R"({"ipam": {"addresses": {}}})", "addresses: not a list"},
        BadStatic{"NoObject", R"({"ipam": {"addresses": ["10.1.0.5/24"]}})", "not an object"},
        BadStatic{"Gateway", R"({"ipam": {"addresses": [{"address": "10.1.0.5/24",
                                                         "gateway": "x"}]}})",
                  "gateway"},
        BadStatic{"Route", R"({"ipam": {"routes": [{"dst": "x"}]}})", "dst"},
        BadStatic{"Dns", R"({"ipam": {"dns": {"nameservers": "x"}}})", "nameservers"},
        BadStatic{"RuntimeIps", R"({"runtimeConfig": {"ips": ["10.1.0.5"]}})",
                  "an entry in the 'ips' field"},
        BadStatic{"ArgsIps", R"({"args": {"cni": {"ips": "10.1.0.5/24"}}})", "ips"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace trivet::cni
