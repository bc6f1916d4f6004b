// ADD: what it answers, and what the kernel then has.
#include <gmock/gmock.h>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class AddTest : public PluginTest {
 protected:
  static std::vector<std::string> AddressesOn(const std::string& link,
                                              const std::optional<Pod>& in = {}) {
    std::vector<std::string> addresses;
    const json::Value listed = Ip({"address", "show", "dev", link}, in);
    for (const json::Value& address : listed.at(0).at("addr_info")) {
      if (address["scope"] != "global") continue;
      addresses.push_back(fmt::format("{}/{}", address["local"].get<std::string>(),
                                      address["prefixlen"].get<int>()));
    }
    return addresses;
  }
};

TEST_F(AddTest, TellsBridgeHostEndAndContainerEndInThatOrder) {
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, Conf());

  ASSERT_EQ(result["interfaces"].size(), 3U);
  const json::Value bridge = Ip({"link", "show", "dev", "br0"})[0];
  const json::Value inside = Ip({"link", "show", "dev", "eth0"}, pod)[0];
  const std::string host_name = result["interfaces"][1]["name"];
  const json::Value host = Ip({"link", "show", "dev", host_name})[0];
  EXPECT_EQ(result["interfaces"][0]["name"], "br0");
  EXPECT_EQ(result["interfaces"][0]["mac"], bridge["address"]);
  EXPECT_EQ(result["interfaces"][1]["mac"], host["address"]);
  EXPECT_EQ(result["interfaces"][2]["name"], "eth0");
  EXPECT_EQ(result["interfaces"][2]["mac"], inside["address"]);
  EXPECT_EQ(result["interfaces"][2]["mtu"], inside["mtu"]);
  EXPECT_EQ(result["interfaces"][2]["sandbox"], pod.netns.native());
  EXPECT_FALSE(result["interfaces"][0].contains("sandbox"));
  EXPECT_EQ(host["master"], "br0");
  for (const json::Value& ip : result["ips"]) EXPECT_EQ(ip["interface"], 2);
}

TEST_F(AddTest, ThePodHasTheAddressesAndRoutesThatAreTold) {
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, Conf());

  EXPECT_THAT(AddressesOf(result), ElementsAre("10.9.0.2/24", "fd09::2/64"));
  EXPECT_THAT(AddressesOn("eth0", pod), UnorderedElementsAre("10.9.0.2/24", "fd09::2/64"));
  EXPECT_EQ(FindEntry(Ip({"route"}, pod), "dst", "default")["gateway"], "10.9.0.1");
  EXPECT_EQ(FindEntry(Ip({"-6", "route"}, pod), "dst", "default")["gateway"], "fd09::1");
  EXPECT_EQ(result["ips"][0]["gateway"], "10.9.0.1");
  EXPECT_EQ(result["routes"].size(), 2U);
}

TEST_F(AddTest, TheBridgeHasTheGatewaysAndIsUp) {
  Added(MakePod("c1"), Conf());

  EXPECT_THAT(AddressesOn("br0"), UnorderedElementsAre("10.9.0.1/24", "fd09::1/64"));
  EXPECT_THAT(Ip({"link", "show", "dev", "br0"})[0]["flags"], ::testing::Contains("UP"));
  EXPECT_EQ(ReadFile("/proc/sys/net/ipv4/ip_forward").value_or(""), "1\n");
  EXPECT_EQ(ReadFile("/proc/sys/net/ipv6/conf/all/forwarding").value_or(""), "1\n");
}

TEST_F(AddTest, PeersAreToldOfALaterMacAddressOfThePod) {
  Added(MakePod("c1"), Conf());

  EXPECT_EQ(Tell("/usr/sbin/ip",
                 {"netns", "exec", "c1", "cat", "/proc/sys/net/ipv4/conf/eth0/arp_notify"}),
            "1\n");
}

TEST_F(AddTest, AnIPv6AddressIsUsableAtOnce) {
  const Pod pod = MakePod("c1");
  Added(pod, Conf());

  const json::Value listed = Ip({"-6", "address", "show", "dev", "eth0", "scope", "global"}, pod);
  EXPECT_FALSE(listed[0]["addr_info"][0].contains("tentative"));
  Tell("/usr/sbin/ip", {"netns", "exec", "c1", "/bin/ping", "-6", "-c", "1", "-W", "9", "fd09::1"});
}

TEST_F(AddTest, BothEndsHaveTheMtuThatIsAskedFor) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf["mtu"] = 1400;

  const json::Value result = Added(pod, conf);

  EXPECT_EQ(result["interfaces"][2]["mtu"], 1400);
  EXPECT_EQ(Ip({"link", "show", "dev", "eth0"}, pod)[0]["mtu"], 1400);
  EXPECT_EQ(Ip({"link", "show", "dev", result["interfaces"][1]["name"]})[0]["mtu"], 1400);
}

TEST_F(AddTest, TheMacIsTheRuntimesBeforeTheArgumentsBeforeTheEnvironments) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  const Variables args{{"CNI_ARGS", "MAC=02:00:00:00:00:01"}};
  const auto mac = [&] {
    EXPECT_THAT(Add(pod, conf, args), Succeeds());
    const std::string address = Ip({"link", "show", "dev", "eth0"}, pod)[0]["address"];
    EXPECT_THAT(Del(pod, conf), Succeeds());
    return address;
  };

  EXPECT_EQ(mac(), "02:00:00:00:00:01");
  conf["args"]["cni"]["mac"] = "02:00:00:00:00:02";
  EXPECT_EQ(mac(), "02:00:00:00:00:02");
  conf["runtimeConfig"]["mac"] = "02:00:00:00:00:03";
  EXPECT_EQ(mac(), "02:00:00:00:00:03");
}

TEST_F(AddTest, AnAddressThatIsUsedAgainKeepsItsMac) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf["runtimeConfig"]["ips"] = {"10.9.0.7/24"};
  const std::string first = Added(pod, conf)["interfaces"][2]["mac"];
  ASSERT_THAT(Del(pod, conf), Succeeds());

  EXPECT_EQ(Added(MakePod("c2"), conf)["interfaces"][2]["mac"], first);
}

TEST_F(AddTest, ThePodIsInTheMasqueradeSetAndOneRuleServesAllPods) {
  Added(MakePod("c1"), Conf());
  Added(MakePod("c2"), Conf());

  const std::string rules = Ruleset();
  EXPECT_THAT(rules, HasSubstr("10.9.0.2, 10.9.0.3"));
  EXPECT_THAT(rules, HasSubstr("fd09::2"));
  size_t masquerades = 0;
  for (size_t at = rules.find("masquerade"); at != std::string::npos;
       at = rules.find("masquerade", at + 1)) {
    ++masquerades;
  }
  EXPECT_EQ(masquerades, 2U) << rules;  // one of each family
}

TEST_F(AddTest, WithoutMasqueradeThereIsNoTable) {
  json::Value conf = Conf();
  conf["ipMasq"] = false;
  Added(MakePod("c1"), conf);

  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet")));
}

TEST_F(AddTest, WithoutIpamThePodIsOnTheBridgeWithoutAddresses) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf.erase("ipam");
  conf["isGateway"] = false;

  const json::Value result = Added(pod, conf);

  EXPECT_FALSE(result.contains("ips"));
  EXPECT_THAT(AddressesOn("eth0", pod), ElementsAre());
  EXPECT_THAT(Ip({"link", "show", "dev", "eth0"}, pod)[0]["flags"], ::testing::Contains("UP"));
}

TEST_F(AddTest, DefaultGatewayAddsTheDefaultRoutesThatIpamDoesNotTell) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf["isGateway"] = false;
  conf["isDefaultGateway"] = true;
  conf["ipam"]["routes"] = {{{"dst", "0.0.0.0/0"}, {"gw", "10.9.0.1"}}};

  Added(pod, conf);

  EXPECT_EQ(FindEntry(Ip({"route"}, pod), "dst", "default")["gateway"], "10.9.0.1");
  EXPECT_EQ(FindEntry(Ip({"-6", "route"}, pod), "dst", "default")["gateway"], "fd09::1");
}

TEST_F(AddTest, TwiceIsRefusedAndTheFirstStays) {
  const Pod pod = MakePod("c1");
  Added(pod, Conf());

  EXPECT_THAT(Add(pod, Conf()), IsRefused(101, "attached already"));

  EXPECT_THAT(AddressesOn("eth0", pod), UnorderedElementsAre("10.9.0.2/24", "fd09::2/64"));
}

TEST_F(AddTest, AnInterfaceNameThatIsTakenInThePodIsRefusedAndUndone) {
  const Pod pod = MakePod("c1");
  Tell("/usr/sbin/ip", {"-n", "c1", "link", "add", "eth0", "type", "bridge"});

  EXPECT_THAT(Add(pod, Conf()), IsRefused(101, "eth0"));

  ExpectNothingLeft("after the refusal");
  EXPECT_EQ(Ip({"-d", "link", "show", "dev", "eth0"}, pod)[0]["linkinfo"]["info_kind"], "bridge");
}

TEST_F(AddTest, ANetworkThatWantsTheNameOfAnothersInterfaceLeavesThatAlone) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, Conf());
  json::Value other = Conf();
  other["name"] = "othernet";
  other["bridge"] = "br1";
  other["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.10.0.0/24"}}})};
  other["ipam"].erase("routes");

  EXPECT_THAT(Add(pod, other), IsRefused(101, "eth0"));

  EXPECT_THAT(Check(pod, Conf(), result), Succeeds());
  EXPECT_THAT(Del(pod, other), Succeeds());  // as a runtime does after a failure
  EXPECT_THAT(Check(pod, Conf(), result), Succeeds());
}

TEST_F(AddTest, TheLongestNamesAreTaken) {
  const Pod pod = MakePod(std::string(255, 'c'));
  json::Value conf = Conf();
  conf["name"] = std::string(200, 'n');

  Added(pod, conf);

  EXPECT_THAT(Del(pod, conf), Succeeds());
  ExpectNothingLeft("after DEL");
}

TEST_F(AddTest, TwoInterfacesOfOnePodAreTwoAttachments) {
  const Pod pod = MakePod("c1");
  Added(pod, Conf());
  const Variables second{{"CNI_IFNAME", "eth1"}};

  const Answer answer = Run(
      "ADD", pod,
      [&] {
        json::Value conf = Conf();
        conf["ipam"].erase("routes");  // a default route there is already
        return conf;
      }(),
      second);

  ASSERT_THAT(answer, Succeeds());
  EXPECT_THAT(AddressesOf(answer.value), ElementsAre("10.9.0.3/24", "fd09::3/64"));
  EXPECT_THAT(Run("DEL", pod, Conf(), second), Succeeds());
  EXPECT_THAT(AddressesOn("eth0", pod), UnorderedElementsAre("10.9.0.2/24", "fd09::2/64"));
}

TEST_F(AddTest, AnswersInTheShapeOfTheVersionThatIsAsked) {
  for (const std::string version : {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"}) {
    const Pod pod = MakePod("v" + version);
    json::Value conf = Conf();
    conf["cniVersion"] = version;
    const json::Value result = Added(pod, conf);
    EXPECT_EQ(result["cniVersion"], version);
    if (version < "0.3.0") {
      EXPECT_THAT(result["ip4"]["ip"].get<std::string>(), HasSubstr("10.9.0."));
      EXPECT_THAT(result["ip6"]["ip"].get<std::string>(), HasSubstr("fd09::"));
      EXPECT_FALSE(result.contains("interfaces"));
    } else {
      EXPECT_EQ(result["interfaces"].size(), 3U);
      EXPECT_EQ(result["ips"][0].contains("version"), version < "1.0.0") << version;
      EXPECT_FALSE(result["interfaces"][2].contains("mtu"));
    }
  }
}

TEST_F(AddTest, HairpinIsolationAndPromiscuityAreTheKernels) {
  json::Value conf = Conf();
  conf["hairpinMode"] = true;
  conf["portIsolation"] = true;
  const json::Value result = Added(MakePod("c1"), conf);

  const json::Value port = Ip({"-d", "link", "show", "dev", result["interfaces"][1]["name"]})[0];
  EXPECT_EQ(port["linkinfo"]["info_slave_data"]["hairpin"], true);
  EXPECT_EQ(port["linkinfo"]["info_slave_data"]["isolated"], true);

  conf = Conf();
  conf["promiscMode"] = true;
  Added(MakePod("c2"), conf);
  EXPECT_THAT(Ip({"link", "show", "dev", "br0"})[0]["flags"], ::testing::Contains("PROMISC"));
}

TEST_F(AddTest, AnotherAddressOfTheBridgeIsRefusedUnlessForced) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "bridge"});
  Tell("/usr/sbin/ip", {"address", "add", "10.8.0.1/24", "dev", "br0"});
  Remember();
  json::Value conf = Conf();
  conf["ephemeralBridge"] = false;
  const Pod pod = MakePod("c1");

  EXPECT_THAT(Add(pod, conf), IsRefused(101, "10.8.0.1/24"));
  conf["forceAddress"] = true;
  EXPECT_THAT(Add(pod, conf), Succeeds());

  EXPECT_THAT(AddressesOn("br0"), UnorderedElementsAre("10.9.0.1/24", "fd09::1/64"));
  EXPECT_THAT(Del(pod, conf), Succeeds());
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
  Remember();
}

TEST_F(AddTest, ALinkOfTheBridgesNameThatIsNoBridgeIsRefusedAndLeftAlone) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "veth", "peer", "name", "br0x"});
  Remember();

  EXPECT_THAT(Add(MakePod("c1"), Conf()), IsRefused(101, "no bridge"));
}

TEST_F(AddTest, SomebodyElsesBridgeKeepsItsMacWhateverPortsCome) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "bridge"});
  const std::string mac = Ip({"link", "show", "br0"})[0]["address"];
  json::Value conf = Conf();
  conf["runtimeConfig"] = {{"mac", "02:00:00:00:00:01"}};

  const json::Value result = Added(MakePod("c1"), conf);

  EXPECT_EQ(result["interfaces"][0]["mac"], mac);
  EXPECT_EQ(Ip({"link", "show", "br0"})[0]["address"], mac);
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
}

TEST_F(AddTest, SomebodyElsesBridgeOutlivesItsLastPodWhateverEphemeralSays) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "bridge"});
  const Pod pod = MakePod("c1");
  Added(pod, Conf());

  EXPECT_THAT(Del(pod, Conf()), Succeeds());

  EXPECT_TRUE(HasLink("br0"));
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
}

}  // namespace
}  // namespace trivet::cni
