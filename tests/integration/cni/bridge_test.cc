// The keys of type bridge that are about its ports.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class BridgeTest : public PluginTest {
 protected:
  [[nodiscard]] json::Value Layer2() const {
    json::Value conf = Conf();
    for (const char* key : {"ipam", "isGateway", "ipMasq"}) conf.erase(key);
    return conf;
  }
};

TEST_F(BridgeTest, ADisabledContainerInterfaceIsLeftDownAndIsStillTheBridges) {
  json::Value conf = Layer2();
  conf["disableContainerInterface"] = true;
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, conf);

  EXPECT_THAT(Ip({"link", "show", "dev", "eth0"}, pod)[0]["flags"], Not(Contains("UP")));
  EXPECT_EQ(Ip({"link", "show", "dev", result["interfaces"][1]["name"]})[0]["master"], "br0");
  EXPECT_THAT(Check(pod, conf, result), Succeeds());
}

TEST_F(BridgeTest, ThePortIsOperationalWhenAddAnswers) {
  const json::Value result = Added(MakePod("c1"), Layer2());

  const json::Value port = Ip({"-d", "link", "show", "dev", result["interfaces"][1]["name"]})[0];
  EXPECT_EQ(port["operstate"], "UP");
  EXPECT_EQ(port["linkinfo"]["info_slave_data"]["state"], "forwarding");
}

TEST_F(BridgeTest, TheFirstPortsBridgeIsOperationalWhenAddAnswers) {
  Added(MakePod("c1"), Conf());

  EXPECT_EQ(Ip({"link", "show", "dev", "br0"})[0]["operstate"], "UP");
}

TEST_F(BridgeTest, ABridgeThatHasAlwaysHadItsCarrierIsNotWaitedFor) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "bridge"});
  const auto begin = std::chrono::steady_clock::now();
  const Pod pod = MakePod("c1");
  Added(pod, Conf());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(Reaches(pod, "10.9.0.1"));
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
}

TEST_F(BridgeTest, APortMayBeSmallerThanIpv6Wants) {
  json::Value conf = Conf();
  conf["mtu"] = 1000;
  conf["ipam"]["ranges"].erase(1);
  conf["ipam"]["routes"].erase(1);
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, conf);

  EXPECT_EQ(Ip({"link", "show", "dev", result["interfaces"][1]["name"]})[0]["mtu"], 1000);
  EXPECT_TRUE(Reaches(pod, "10.9.0.1"));
}

TEST_F(BridgeTest, EachEndHasTheOneQueueThatItUses) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, Layer2());

  const json::Value ends[] = {Ip({"-d", "link", "show", "dev", result["interfaces"][1]["name"]})[0],
                              Ip({"-d", "link", "show", "dev", "eth0"}, pod)[0]};
  for (const json::Value& end : ends) {
    EXPECT_EQ(end["num_tx_queues"], 1);
    EXPECT_EQ(end["num_rx_queues"], 1);
  }
}

TEST_F(BridgeTest, ASpoofCheckedPodSendsFromItsOwnHardwareAddressAlone) {
  json::Value conf = Conf();
  conf["macspoofchk"] = true;
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, conf);
  EXPECT_TRUE(Reaches(pod, "10.9.0.1"));
  EXPECT_THAT(Check(pod, conf, result), Succeeds());

  Tell("/usr/sbin/ip", {"-n", "c1", "link", "set", "eth0", "address", "02:00:00:00:00:66"});
  Tell("/usr/sbin/ip", {"neighbour", "flush", "dev", "br0"});

  EXPECT_TRUE(IsCutOff(pod, "10.9.0.1"));
}

TEST_F(BridgeTest, SpoofChecksAreTwoSetsAndGoWithTheLastPort) {
  json::Value conf = Conf();
  conf["macspoofchk"] = true;
  const Pod first = MakePod("c1");
  const Pod second = MakePod("c2");
  Added(first, conf);
  Added(second, conf);

  EXPECT_THAT(Del(first, conf, {{"CNI_NETNS", ""}}), Succeeds());
  EXPECT_THAT(Ruleset(), HasSubstr("table bridge trivet_cni"));
  EXPECT_THAT(Gc(conf, {}), Succeeds());
  EXPECT_THAT(Ruleset(), Not(HasSubstr("table bridge")));
}

TEST_F(BridgeTest, CheckNamesASpoofCheckThatIsNotInForce) {
  json::Value conf = Conf();
  conf["macspoofchk"] = true;
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, conf);

  Tell("/usr/sbin/nft", {"delete", "table", "bridge", "trivet_cni"});

  EXPECT_THAT(Check(pod, conf, result), IsRefused(102, "macspoofchk"));
}

TEST_F(BridgeTest, CheckNamesABridgeThatIsPromiscuousOrHasAnotherAddress) {
  const Pod pod = MakePod("c1");
  json::Value result = Added(pod, Conf());

  Tell("/usr/sbin/ip", {"link", "set", "br0", "promisc", "on"});
  EXPECT_THAT(Check(pod, Conf(), result), IsRefused(102, "br0 is promiscuous"));
  Tell("/usr/sbin/ip", {"link", "set", "br0", "promisc", "off"});
  result["interfaces"][0]["mac"] = "02:00:00:00:00:01";
  EXPECT_THAT(Check(pod, Conf(), result), IsRefused(102, "br0 has MAC address"));
}

TEST_F(BridgeTest, VlansWorkOrTheKernelsLackOfThemIsNamedAndNothingIsLeft) {
  json::Value conf = Conf();
  conf["vlan"] = 100;
  const Pod pod = MakePod("c1");

  const Answer answer = Add(pod, conf);

  if (!answer.ok()) {
    EXPECT_THAT(answer, IsRefused(2, "CONFIG_BRIDGE_VLAN_FILTERING"));
    ExpectNothingLeft("after the refusal");
    return;
  }
  ASSERT_EQ(answer.value["interfaces"].size(), 4U);
  EXPECT_EQ(answer.value["interfaces"][3]["name"], "br0.100");
  EXPECT_TRUE(Reaches(pod, "10.9.0.1"));
  EXPECT_THAT(Del(pod, conf), Succeeds());
  ExpectNothingLeft("after DEL");
}

}  // namespace
}  // namespace trivet::cni
