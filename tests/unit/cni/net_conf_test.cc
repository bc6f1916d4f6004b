#include "cni/net_conf.h"

#include <gtest/gtest.h>

#include "cni/bridge_conf.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;

/// A good configuration with the members of `changes` put over it.
json::Value Configuration(const char* changes) {
  json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net", "type": "bridge",
      "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}})");
  root.update(json::Value::parse(changes));
  return root;
}

TEST(ParseNetConf, HasTheDefaultsOfANode) {
  const auto conf = ParseNetConf(Configuration("{}"));

  ASSERT_THAT(conf, IsOk());
  EXPECT_EQ(conf->version, SpecVersion::k110);
  EXPECT_EQ(conf->state_folder, "/var/lib/trivet/cni");
  EXPECT_EQ(conf->ipam_type, "host-local");
  EXPECT_FALSE(conf->policy.has_value());
}

TEST(ParseNetConf, WithoutAVersionIsTheOldest) {
  json::Value root = Configuration("{}");
  root.erase("cniVersion");

  EXPECT_EQ(ParseNetConf(root)->version, SpecVersion::k010);
}

TEST(ParseNetConf, ReadsTheAttachmentsThatAreValid) {
  const auto conf = ParseNetConf(
      Configuration(R"({"cni.dev/valid-attachments": [{"containerID": "a", "ifname": "eth0"}]})"));

  ASSERT_THAT(conf, IsOk());
  EXPECT_EQ(conf->valid_attachments, (std::vector<AttachmentKey>{{"net", "a", "eth0"}}));
}

TEST(ParseNetConf, RequiresThePolicyAgentUnlessToldOtherwise) {
  EXPECT_TRUE(ParseNetConf(Configuration(R"({"policy": {}})"))->policy->required);
  EXPECT_FALSE(ParseNetConf(Configuration(R"({"policy": {"required": false}})"))->policy->required);
}

TEST(ParseNetConf, PassesOverADamagedResultForDelAlone) {
  const json::Value damaged = Configuration(R"({"prevResult": {"ips": 3}})");
  const auto conf = ParseNetConf(damaged, Previous::kMayBeDamaged);
  ASSERT_TRUE(conf.has_value());
  EXPECT_FALSE(conf->previous || conf->root.contains("prevResult"));
  EXPECT_FALSE(ParseNetConf(damaged).has_value());
}

struct BadConf {
  const char* name;
  const char* changes;
  const char* words;
};

class ParseNetConfRefuses : public ::testing::TestWithParam<BadConf> {};

TEST_P(ParseNetConfRefuses, AndNamesTheKey) {
  EXPECT_THAT(ParseNetConf(Configuration(GetParam().changes)),
              FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseNetConfRefuses,
    ::testing::Values(
        BadConf{"UnknownVersion", R"({"cniVersion": "9.0.0"})", "cniVersion: '9.0.0' is none of"},
        BadConf{"VersionNumber", R"({"cniVersion": 1.1})", "cniVersion"},
        BadConf{"NoName", R"({"name": ""})", "name: missing"},
        BadConf{"NameOfAPath", R"({"name": "../../etc"})", "name: "},
        BadConf{"NameNumber", R"({"name": 5})", "name: unexpected 5"},
        BadConf{"TypeList", R"({"type": []})", "type: unexpected"},
        BadConf{"IpamText", R"({"ipam": "host-local"})", "ipam: not an object"},
        BadConf{"DnsText", R"({"dns": "8.8.8.8"})", "dns: not an object"},
        BadConf{"PrevResultText", R"({"prevResult": "x"})", "prevResult: not an object"},
        BadConf{"RelativeStateDir", R"({"stateDir": "state"})", "stateDir"},
        BadConf{"PolicyUnknownKey", R"({"policy": {"sock": "/x"}})", "policy: sock: unknown key"},
        BadConf{"PolicyRelativeSocket", R"({"policy": {"socket": "x"}})", "policy: socket"},
        BadConf{"ValidAttachmentsObject", R"({"cni.dev/valid-attachments": {}})",
                "cni.dev/valid-attachments: not a list"},
        BadConf{"ValidAttachmentWithoutName", R"({"cni.dev/valid-attachments": [{"ifname": "e"}]})",
                "containerID: missing"}),
    [](const auto& test) { return test.param.name; });

class ParseBridgeConfTest : public ::testing::Test {
 protected:
  static Result<BridgeConf> Parse(const char* changes, const Environment& environment = {}) {
    const auto conf = ParseNetConf(Configuration(changes));
    EXPECT_THAT(conf, IsOk());
    return ParseBridgeConf(*conf, environment);
  }
};

TEST_F(ParseBridgeConfTest, HasTheReferencesDefaults) {
  const auto bridge = Parse("{}");

  ASSERT_THAT(bridge, IsOk());
  EXPECT_EQ(bridge->bridge, "cni0");
  EXPECT_FALSE(bridge->is_gateway || bridge->masquerade || bridge->hairpin || bridge->ephemeral);
}

TEST_F(ParseBridgeConfTest, DefaultGatewayImpliesGateway) {
  EXPECT_TRUE(Parse(R"({"isDefaultGateway": true})")->is_gateway);
}

TEST_F(ParseBridgeConfTest, TakesTheRuntimesMacBeforeTheArgsBeforeTheEnvironments) {
  Environment environment;
  environment.args["MAC"] = "02:00:00:00:00:01";
  const char* const args = R"({"args": {"cni": {"mac": "02:00:00:00:00:02"}}})";
  const char* const runtime = R"({"args": {"cni": {"mac": "02:00:00:00:00:02"}},
      "runtimeConfig": {"mac": "02:00:00:00:00:03"}})";

  EXPECT_EQ(Parse("{}", environment)->mac, "02:00:00:00:00:01");
  EXPECT_EQ(Parse(args, environment)->mac, "02:00:00:00:00:02");
  EXPECT_EQ(Parse(runtime, environment)->mac, "02:00:00:00:00:03");
}

TEST_F(ParseBridgeConfTest, TakesUnsupportedKeysThatAskForNothing) {
  EXPECT_THAT(
      Parse(R"({"vlan": 0, "vlanTrunk": [], "preserveDefaultVlan": true, "macspoofchk": false,
      "disableContainerInterface": false, "ipMasqBackend": "nftables"})"),
      IsOk());
}

TEST_F(ParseBridgeConfTest, MergesTheRangesOfATrunk) {
  const auto bridge = Parse(R"({"vlan": 7, "preserveDefaultVlan": true, "vlanTrunk":
      [{"minID": 100, "maxID": 110}, {"id": 5}, {"minID": 105, "maxID": 120, "id": 6}]})");

  ASSERT_THAT(bridge, IsOk());
  EXPECT_EQ(bridge->vlans.untagged, 7);
  EXPECT_TRUE(bridge->vlans.keep_default);
  EXPECT_EQ(bridge->vlans.trunk, (std::vector<VlanRange>{{5, 6}, {100, 120}}));
}

TEST_F(ParseBridgeConfTest, TheDefaultVlanGoesUnlessItIsAskedFor) {
  EXPECT_FALSE(Parse(R"({"vlan": 7})")->vlans.keep_default);
}

class ParseBridgeConfRefuses : public ParseBridgeConfTest,
                               public ::testing::WithParamInterface<BadConf> {};

TEST_P(ParseBridgeConfRefuses, AndNamesTheKey) {
  EXPECT_THAT(Parse(GetParam().changes), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseBridgeConfRefuses,
    ::testing::Values(
        BadConf{"BridgeNameTooLong", R"({"bridge": "sixteen-bytes-xx"})", "bridge"},
        BadConf{"BridgeNameEmpty", R"({"bridge": ""})", "bridge"},
        BadConf{"BridgeNameOfAPath", R"({"bridge": "../x"})", "bridge"},
        BadConf{"GatewayText", R"({"isGateway": "yes"})", "isGateway"},
        BadConf{"VlanTooLarge", R"({"vlan": 4095})", "vlan: 4095"},
        BadConf{"VlanNegative", R"({"vlan": -1})", "vlan"},
        BadConf{"TrunkNoList", R"({"vlanTrunk": {"id": 1}})", "vlanTrunk: not a list"},
        BadConf{"TrunkNoObject", R"({"vlanTrunk": [1]})", "vlanTrunk: not an object"},
        BadConf{"TrunkIdZero", R"({"vlanTrunk": [{"id": 0}]})", "id: 0"},
        BadConf{"TrunkIdTooLarge", R"({"vlanTrunk": [{"id": 4095}]})", "id: 4095"},
        BadConf{"TrunkWithoutMax", R"({"vlanTrunk": [{"minID": 5}]})", "maxID: missing"},
        BadConf{"TrunkWithoutMin", R"({"vlanTrunk": [{"maxID": 5}]})", "minID: missing"},
        BadConf{"TrunkMinTooLarge", R"({"vlanTrunk": [{"minID": 5000, "maxID": 5001}]})", "minID"},
        BadConf{"TrunkTurned", R"({"vlanTrunk": [{"minID": 9, "maxID": 5}]})", "minID 9"},
        BadConf{"SpoofCheckText", R"({"macspoofchk": "on"})", "macspoofchk"},
        BadConf{"ContainerDownWithIpam",
                R"({"disableContainerInterface": true, "ipam": {"type": "host-local"}})",
                "disableContainerInterface and ipam"},
        BadConf{"MasqueradeBackend", R"({"ipMasqBackend": "bpf"})", "ipMasqBackend"},
        BadConf{"MtuNegative", R"({"mtu": -1})", "mtu"},
        BadConf{"MtuTooSmall", R"({"mtu": 67})", "mtu: 67"},
        BadConf{"MtuTooLarge", R"({"mtu": 65536})", "mtu: 65536"},
        BadConf{"HairpinAndPromisc", R"({"hairpinMode": true, "promiscMode": true})", "exclude"},
        BadConf{"MacShort", R"({"runtimeConfig": {"mac": "02:00"}})", "mac"},
        BadConf{"MacOfLetters", R"({"runtimeConfig": {"mac": "0g:00:00:00:00:01"}})", "mac"},
        BadConf{"MacMulticast", R"({"runtimeConfig": {"mac": "01:00:00:00:00:01"}})", "unicast"},
        BadConf{"MacZero", R"({"runtimeConfig": {"mac": "00:00:00:00:00:00"}})", "unicast"},
        BadConf{"ArgsList", R"({"args": []})", "args: not an object"},
        BadConf{"RuntimeConfigText", R"({"runtimeConfig": "x"})", "runtimeConfig: not an object"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace trivet::cni
