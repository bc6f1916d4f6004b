// Type ptp, in both of its modes.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class PtpTest : public PluginTest {
 protected:
  [[nodiscard]] json::Value PtpConf() const {
    json::Value conf = Conf();
    conf["type"] = "ptp";
    for (const char* key : {"bridge", "isGateway", "ephemeralBridge"}) conf.erase(key);
    return conf;
  }
  [[nodiscard]] json::Value RoutedConf() const {
    json::Value conf = PtpConf();
    conf["mode"] = "routed";
    conf["ipam"].erase("routes");
    return conf;
  }
  static void Ping(const Pod& from, const std::string& address) {
    Tell("/usr/sbin/ip", {"netns", "exec", from.id, "/bin/ping", "-c", "1", "-W", "2", address});
  }
  /// The node's own addresses, which its packets to pods leave with.
  void GiveNodeAddresses() {
    Tell("/usr/sbin/ip", {"address", "add", "192.0.2.1/32", "dev", "lo"});
    Tell("/usr/sbin/ip", {"-6", "address", "add", "2001:db8::1/128", "dev", "lo", "nodad"});
    Tell("/usr/sbin/ip", {"link", "set", "lo", "up"});
    // The kernel makes this one a moment later, by itself.
    while (
        !Tell("/usr/sbin/ip", {"-6", "route", "show", "table", "local"}).contains("2001:db8::1")) {
    }
    Remember();
  }
};

TEST_F(PtpTest, TellsHostEndAndContainerEndAndTheAddressesAsIpamToldThem) {
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, PtpConf());

  ASSERT_EQ(result["interfaces"].size(), 2U);
  const std::string host = result["interfaces"][0]["name"];
  EXPECT_EQ(result["interfaces"][0]["mac"], Ip({"link", "show", "dev", host})[0]["address"]);
  EXPECT_FALSE(result["interfaces"][0].contains("sandbox"));
  EXPECT_EQ(result["interfaces"][1]["name"], "eth0");
  EXPECT_EQ(result["interfaces"][1]["sandbox"], pod.netns.native());
  EXPECT_THAT(AddressesOf(result), ElementsAre("10.9.0.2/24", "fd09::2/64"));
  EXPECT_EQ(result["ips"][0]["gateway"], "10.9.0.1");
  for (const json::Value& ip : result["ips"]) EXPECT_EQ(ip["interface"], 1);
}

TEST_F(PtpTest, EverythingOfTheSubnetGoesByTheGatewayAndPodsReachEachOther) {
  const Pod first = MakePod("c1");
  const Pod second = MakePod("c2");
  Added(first, PtpConf());
  Added(second, PtpConf());

  EXPECT_EQ(FindEntry(Ip({"route"}, first), "dst", "10.9.0.0/24")["gateway"], "10.9.0.1");
  EXPECT_EQ(FindEntry(Ip({"route"}, first), "dst", "10.9.0.1")["scope"], "link");
  EXPECT_EQ(FindEntry(Ip({"-6", "route"}, first), "dst", "fd09::/64")["gateway"], "fd09::1");
  for (const char* address : {"10.9.0.1", "10.9.0.3", "fd09::1", "fd09::3"}) Ping(first, address);
}

TEST_F(PtpTest, CheckFindsWhatIsMissingOnEitherSide) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, PtpConf());
  EXPECT_THAT(Check(pod, PtpConf(), result), Succeeds());

  Tell("/usr/sbin/ip", {"-n", "c1", "route", "delete", "10.9.0.0/24"});
  EXPECT_THAT(Check(pod, PtpConf(), result), IsRefused(102, "10.9.0.0/24"));
  Tell("/usr/sbin/ip", {"-n", "c1", "route", "add", "10.9.0.0/24", "via", "10.9.0.1"});
  EXPECT_THAT(Check(pod, PtpConf(), result), Succeeds());
  Tell("/usr/sbin/ip", {"route", "delete", "10.9.0.2"});
  EXPECT_THAT(Check(pod, PtpConf(), result), IsRefused(102, "10.9.0.2/32"));
}

TEST_F(PtpTest, DnsOfTheConfigurationReplacesIpamsOnlyWhereItSaysSomething) {
  const Pod pod = MakePod("c1");
  json::Value conf = PtpConf();
  const auto dns = [&] {
    const json::Value told = Added(pod, conf)["dns"];
    EXPECT_THAT(Del(pod, conf), Succeeds());
    return told;
  };
  std::ofstream("/run/resolv.conf") << "nameserver 192.0.2.53\nsearch example.org\n";
  conf["ipam"]["resolvConf"] = "/run/resolv.conf";

  EXPECT_EQ(dns()["nameservers"][0], "192.0.2.53");
  conf["dns"] = json::Value::object();
  EXPECT_EQ(dns()["nameservers"][0], "192.0.2.53");
  conf["dns"] = {{"nameservers", json::Value::array()}};
  EXPECT_TRUE(dns().empty());
  conf["dns"] = {{"nameservers", {"198.51.100.53"}}};
  EXPECT_EQ(dns(), json::Value({{"nameservers", {"198.51.100.53"}}}));
}

TEST_F(PtpTest, WithoutIpamItIsRefused) {
  json::Value conf = PtpConf();
  conf.erase("ipam");
  EXPECT_THAT(Add(MakePod("c1"), conf), IsRefused(7, "ipam: type: missing"));
}

TEST_F(PtpTest, RoutedPodsHaveTheirAddressAloneAndTheLinkAsGateway) {
  GiveNodeAddresses();
  const Pod pod = MakePod("c1");

  const json::Value result = Added(pod, RoutedConf());

  EXPECT_THAT(AddressesOf(result), ElementsAre("10.9.0.2/32", "fd09::2/128"));
  EXPECT_EQ(result["ips"][0]["gateway"], "169.254.1.1");
  EXPECT_EQ(result["ips"][1]["gateway"], "fe80::1");
  EXPECT_EQ(result["routes"].size(), 2U);
  EXPECT_EQ(FindEntry(Ip({"route"}, pod), "dst", "default")["gateway"], "169.254.1.1");
  EXPECT_EQ(FindEntry(Ip({"-6", "route"}, pod), "dst", "default")["gateway"], "fe80::1");
  Ping(pod, "192.0.2.1");
  Ping(pod, "2001:db8::1");
}

TEST_F(PtpTest, RoutedEndsKnowEachOtherForGood) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, RoutedConf());
  const std::string host = result["interfaces"][0]["name"];

  for (const auto& [address, family] : {std::pair("169.254.1.1", "-4"), {"fe80::1", "-6"}}) {
    const json::Value known = FindEntry(Ip({family, "neighbour"}, pod), "dst", address);
    EXPECT_EQ(known["lladdr"], result["interfaces"][0]["mac"]);
    EXPECT_THAT(known["state"], Contains("PERMANENT"));
  }
  for (const auto& [address, family] : {std::pair("10.9.0.2", "-4"), {"fd09::2", "-6"}}) {
    const json::Value known =
        FindEntry(Ip({family, "neighbour", "show", "dev", host}), "dst", address);
    EXPECT_EQ(known["lladdr"], result["interfaces"][1]["mac"]);
    EXPECT_THAT(known["state"], Contains("PERMANENT"));
  }
}

TEST_F(PtpTest, RoutedPodsReachEachOtherAtOnceInBothFamilies) {
  const Pod first = MakePod("c1");
  const Pod second = MakePod("c2");
  Added(first, RoutedConf());
  Added(second, RoutedConf());

  Ping(first, "10.9.0.3");
  Ping(second, "fd09::2");
  EXPECT_THAT(Tell("/usr/sbin/ip", {"-o", "link"}), Not(HasSubstr("bridge")));
}

TEST_F(PtpTest, RoutedCheckFindsANeighbourThatIsMissing) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, RoutedConf());
  EXPECT_THAT(Check(pod, RoutedConf(), result), Succeeds());

  Tell("/usr/sbin/ip", {"neighbour", "delete", "10.9.0.2", "dev", result["interfaces"][0]["name"]});

  EXPECT_THAT(Check(pod, RoutedConf(), result), IsRefused(102, "permanent neighbour 10.9.0.2"));
}

TEST_F(PtpTest, RoutedRefusesARouteByAnotherGateway) {
  json::Value conf = RoutedConf();
  conf["ipam"]["routes"] = {{{"dst", "192.0.2.0/24"}, {"gw", "10.9.0.1"}}};

  EXPECT_THAT(Add(MakePod("c1"), conf), IsRefused(7, "no other gateway than 169.254.1.1"));

  ExpectNothingLeft("after the refusal");
}

TEST_F(PtpTest, TheHostEndHasNoAddressThatNobodyAskedFor) {
  const auto addresses = [&](const char* id, const json::Value& conf) {
    const json::Value result = Added(MakePod(id), conf);
    std::vector<std::string> local;
    const json::Value link = Ip({"address", "show", "dev", result["interfaces"][0]["name"]})[0];
    for (const json::Value& address : link["addr_info"]) local.push_back(address["local"]);
    return local;
  };
  EXPECT_THAT(addresses("c1", PtpConf()), UnorderedElementsAre("10.9.0.1", "fd09::1", "fe80::1"));
  EXPECT_THAT(addresses("c2", RoutedConf()), IsEmpty());
}

TEST_F(PtpTest, DelAndGcLeaveNothingInEitherMode) {
  for (const json::Value& conf : {PtpConf(), RoutedConf()}) {
    const Pod pod = MakePod("c" + conf.value("mode", ""));
    Added(pod, conf);
    EXPECT_THAT(Del(pod, conf, {{"CNI_NETNS", ""}}), Succeeds());
    ExpectNothingLeft("after DEL");

    Added(pod, conf);
    EXPECT_THAT(Gc(conf, {}), Succeeds());
    ExpectNothingLeft("after GC");
  }
}

}  // namespace
}  // namespace trivet::cni
