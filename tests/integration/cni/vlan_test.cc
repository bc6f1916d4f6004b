// VLANs of type bridge, with traffic: for a kernel with CONFIG_BRIDGE_VLAN_FILTERING, the suite
// "node".
#include <gmock/gmock.h>

#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;

class VlanTest : public PluginTest {
 protected:
  /// In 10.9.0.0/24 and without a gateway; vlan 0: the bridge's default.
  [[nodiscard]] json::Value InVlan(int vlan) const {
    json::Value conf = Conf();
    for (const char* key : {"isGateway", "ipMasq"}) conf.erase(key);
    conf["ipam"].erase("routes");
    if (vlan != 0) conf["vlan"] = vlan;
    return conf;
  }
  /// A network of its own, of the same addresses, with their gateway and masquerade.
  [[nodiscard]] json::Value WithGateway(int vlan) const {
    json::Value conf = Conf();
    conf["name"] = "gateways";
    conf["vlan"] = vlan;
    return conf;
  }

  struct Attached {
    Pod pod;
    std::string address;
    json::Value result;
  };
  Attached Attach(const std::string& id, const json::Value& conf) {
    Attached attached{.pod = MakePod(id), .address = {}, .result = {}};
    attached.result = Added(attached.pod, conf);
    for (const std::string& address : AddressesOf(attached.result)) {
      if (attached.address.empty()) attached.address = address.substr(0, address.find('/'));
    }
    return attached;
  }

  /// A link of the pod's own that tags with that VLAN.
  static void Tag(const Pod& pod, int vlan, const std::string& address) {
    const std::string name = fmt::format("eth0.{}", vlan);
    Tell("/usr/sbin/ip", {"-n", pod.id, "link", "add", "link", "eth0", "name", name, "type", "vlan",
                          "id", std::to_string(vlan)});
    Tell("/usr/sbin/ip", {"-n", pod.id, "address", "add", address, "dev", name});
    Tell("/usr/sbin/ip", {"-n", pod.id, "link", "set", name, "up"});
  }

  /// "100 PVID untagged": what `bridge vlan` says of the port of an ADD's result.
  static std::vector<std::string> VlansOf(const Attached& attached) {
    std::vector<std::string> vlans;
    for (const json::Value& link : attached.result["interfaces"]) {
      const std::string name = link["name"];
      if (!name.starts_with("veth")) continue;
      const auto listed = json::Parse(
          Tell("/usr/sbin/bridge", {"-json", "-compressvlans", "vlan", "show", "dev", name}));
      if (!listed || listed->empty()) return {};
      for (const json::Value& vlan : (*listed)[0]["vlans"]) vlans.push_back(Describe(vlan));
    }
    return vlans;
  }
  static std::string Describe(const json::Value& vlan) {
    std::string text = std::to_string(vlan["vlan"].get<int>());
    if (vlan.contains("vlanEnd")) text += "-" + std::to_string(vlan["vlanEnd"].get<int>());
    if (!vlan.contains("flags")) return text;
    for (const std::string flag : vlan["flags"]) text += " " + flag;
    return text;
  }
};

TEST_F(VlanTest, PodsOfOneVlanReachEachOtherAndNoOther) {
  const Attached a = Attach("a", InVlan(100));
  const Attached b = Attach("b", InVlan(100));
  const Attached other = Attach("other", InVlan(200));
  const Attached plain = Attach("plain", InVlan(0));

  EXPECT_TRUE(Reaches(a.pod, b.address));
  EXPECT_TRUE(Reaches(b.pod, a.address));
  for (const Attached* stranger : {&other, &plain}) {
    EXPECT_TRUE(IsCutOff(stranger->pod, a.address)) << stranger->pod.id;
    EXPECT_TRUE(IsCutOff(a.pod, stranger->address)) << stranger->pod.id;
  }
  EXPECT_TRUE(IsCutOff(other.pod, plain.address));
}

TEST_F(VlanTest, TheGatewayIsInItsVlanAlone) {
  const Attached in = Attach("in", WithGateway(100));
  const Attached other = Attach("other", InVlan(200));
  const Attached plain = Attach("plain", InVlan(0));

  EXPECT_TRUE(Reaches(in.pod, "10.9.0.1"));
  EXPECT_TRUE(IsCutOff(other.pod, "10.9.0.1"));
  EXPECT_TRUE(IsCutOff(plain.pod, "10.9.0.1"));
  EXPECT_THAT(Check(in.pod, WithGateway(100), in.result), Succeeds());
  EXPECT_THAT(Del(in.pod, WithGateway(100)), Succeeds());
  EXPECT_THAT(Del(other.pod, InVlan(200)), Succeeds());
  EXPECT_THAT(Del(plain.pod, InVlan(0)), Succeeds());
  ExpectNothingLeft("after the last DEL");
}

TEST_F(VlanTest, AGatewayThatTwoNetworksShareGoesWithTheLastOfBoth) {
  json::Value other = WithGateway(100);
  other["name"] = "othernet";
  other["ipam"]["ranges"] = {
      json::Value::array({{{"subnet", "10.9.0.0/24"}, {"rangeStart", "10.9.0.100"}}})};
  other["ipam"]["routes"] = {{{"dst", "0.0.0.0/0"}}};
  const Attached first = Attach("first", WithGateway(100));
  const Attached second = Attach("second", other);

  EXPECT_THAT(Del(first.pod, WithGateway(100)), Succeeds());
  EXPECT_TRUE(Reaches(second.pod, "10.9.0.1"));
  EXPECT_THAT(Del(second.pod, other), Succeeds());
  ExpectNothingLeft("after the last DEL");
}

TEST_F(VlanTest, ATrunkCarriesItsVlansWithTagsAndNoOther) {
  json::Value conf = InVlan(0);
  conf["vlanTrunk"] = {{{"minID", 100}, {"maxID", 110}}, {{"id", 200}}};
  const Attached trunk = Attach("trunk", conf);
  const Attached first = Attach("first", InVlan(110));
  const Attached second = Attach("second", InVlan(200));
  const Attached third = Attach("third", InVlan(111));
  EXPECT_THAT(VlansOf(trunk), ElementsAre("1 PVID Egress Untagged", "100-110", "200"));
  Tell("/usr/sbin/ip", {"-n", "trunk", "address", "flush", "dev", "eth0"});
  Tag(trunk.pod, 110, "10.9.0.210/24");

  EXPECT_TRUE(Reaches(trunk.pod, first.address));
  EXPECT_TRUE(IsCutOff(trunk.pod, second.address));
  for (const auto& [vlan, pod] : {std::pair(200, &second), std::pair(111, &third)}) {
    Tell("/usr/sbin/ip", {"-n", "trunk", "address", "flush", "to", "10.9.0.0/24"});
    Tag(trunk.pod, vlan, fmt::format("10.9.0.{}/24", vlan - 90));
    EXPECT_EQ(Reaches(trunk.pod, pod->address), vlan == 200) << vlan;
  }
}

TEST_F(VlanTest, TheDefaultVlanIsKeptWhereThatIsAsked) {
  json::Value keeps = InVlan(100);
  keeps["preserveDefaultVlan"] = true;
  const Attached with = Attach("with", keeps);
  const Attached without = Attach("without", InVlan(100));
  const Attached plain = Attach("plain", InVlan(0));
  EXPECT_THAT(VlansOf(with), ElementsAre("1 Egress Untagged", "100 PVID Egress Untagged"));
  EXPECT_THAT(VlansOf(without), ElementsAre("100 PVID Egress Untagged"));

  // Its own packets are of VLAN 100, thus neither is answered; but the question arrives.
  EXPECT_TRUE(IsCutOff(plain.pod, with.address));
  EXPECT_TRUE(IsCutOff(plain.pod, without.address));
  EXPECT_FALSE(FindEntry(Ip({"neighbour"}, with.pod), "dst", plain.address).is_null());
  EXPECT_TRUE(FindEntry(Ip({"neighbour"}, without.pod), "dst", plain.address).is_null());
}

TEST_F(VlanTest, ASpoofCheckedPodOfAVlanSendsFromItsOwnHardwareAddressAlone) {
  json::Value conf = InVlan(100);
  conf["macspoofchk"] = true;
  const Attached spoofer = Attach("spoofer", conf);
  const Attached peer = Attach("peer", conf);
  EXPECT_TRUE(Reaches(spoofer.pod, peer.address));

  Tell("/usr/sbin/ip", {"-n", "spoofer", "link", "set", "eth0", "address", "02:00:00:00:00:66"});
  Tell("/usr/sbin/ip", {"-n", "peer", "neighbour", "flush", "dev", "eth0"});

  EXPECT_TRUE(IsCutOff(spoofer.pod, peer.address));
  EXPECT_TRUE(IsCutOff(peer.pod, spoofer.address));
}

TEST_F(VlanTest, APortThatWasMadeAheadIsInItsVlanAlone) {
  json::Value kept = InVlan(100);
  kept.erase("ephemeralBridge");
  const Attached first = Attach("first", kept);
  const Pod pod = MakePod("second");
  EXPECT_THAT(Run("PREPARE", pod, kept), Succeeds());
  const json::Value ahead = Ip({"link", "show", "dev", "eth0"}, pod)[0]["ifindex"];
  const Attached second{.pod = pod, .address = {}, .result = Added(pod, kept)};

  EXPECT_EQ(Ip({"link", "show", "dev", "eth0"}, pod)[0]["ifindex"], ahead);
  EXPECT_THAT(VlansOf(second), ElementsAre("100 PVID Egress Untagged"));
  EXPECT_TRUE(Reaches(pod, first.address));
  EXPECT_TRUE(IsCutOff(pod, Attach("other", InVlan(200)).address));
  for (const Pod& attached : {first.pod, pod}) EXPECT_THAT(Del(attached, kept), Succeeds());
}

TEST_F(VlanTest, CheckNamesABridgeThatFiltersNoMore) {
  const Attached a = Attach("a", InVlan(100));
  EXPECT_THAT(Check(a.pod, InVlan(100), a.result), Succeeds());
  Tell("/usr/sbin/ip", {"link", "set", "br0", "type", "bridge", "vlan_filtering", "0"});
  EXPECT_THAT(Check(a.pod, InVlan(100), a.result), IsRefused(102, "br0 does not filter by VLAN"));
}

}  // namespace
}  // namespace trivet::cni
