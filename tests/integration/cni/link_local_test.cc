// Which of a pod's interfaces have a link-local IPv6 address of the kernel's own making.
#include <chrono>
#include <thread>

#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/processes.h"

namespace trivet::cni {
namespace {

// The kernel makes such an address within milliseconds of the carrier, which is there when ADD
// answers, and has told all of it within a second.
constexpr auto kLongEnough = std::chrono::milliseconds(1500);

constexpr const char* kIp = "/usr/sbin/ip";

class LinkLocalTest : public PluginTest {
 protected:
  static std::string InPod(const Pod& pod, std::vector<std::string> command) {
    command.insert(command.begin(), {"netns", "exec", pod.id});
    return Tell(kIp, command);
  }
  /// "fd09::2/64", ..., of eth0.
  static std::vector<std::string> Ipv6Addresses(const Pod& pod) {
    std::vector<std::string> found;
    for (const json::Value& link : Ip({"-6", "address", "show", "dev", "eth0"}, pod)) {
      for (const json::Value& address : link.value("addr_info", json::Value::array())) {
        found.push_back(
            fmt::format("{}/{}", address.value("local", ""), address.value("prefixlen", 0)));
      }
    }
    return found;
  }
  static bool GetsLinkLocal(const Pod& pod) {
    return testing::Eventually([&] {
      return Tell(kIp, {"-n", pod.id, "-6", "-o", "address", "show", "dev", "eth0", "scope", "link",
                        "-tentative"})
          .contains("fe80::");
    });
  }
  static void ExpectNoIpv6Address(const Pod& pod) {
    std::vector<std::string> found;
    EXPECT_FALSE(testing::Eventually(
        [&] {
          found = Ipv6Addresses(pod);
          return !found.empty();
        },
        kLongEnough))
        << found.front();
  }
  /// The namespace's IPv6 packets so far, received and sent.
  static std::string Packets(const Pod& pod) {
    return InPod(pod, {"/bin/grep", "-E", "^Ip6(InReceives|OutRequests) ", "/proc/net/snmp6"});
  }

  /// The fixture's configuration with addresses of one family, 4 or 6, merged with `more`.
  [[nodiscard]] json::Value Only(int family,
                                 const json::Value& more = json::Value::object()) const {
    json::Value conf = Conf();
    conf["ipam"]["ranges"].erase(family == 4 ? 1 : 0);
    conf["ipam"]["routes"].erase(family == 4 ? 1 : 0);
    conf.merge_patch(more);
    return conf;
  }
  static json::Value Ptp(const char* mode) {
    return {{"type", "ptp"},
            {"mode", mode},
            {"bridge", nullptr},
            {"isGateway", nullptr},
            {"ephemeralBridge", nullptr}};
  }
};

TEST_F(LinkLocalTest, AnIpv4PodOfABridgeHasNoneAndItsIpv6Works) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, Only(4));

  ExpectNoIpv6Address(pod);
  EXPECT_THAT(Check(pod, Only(4), result), Succeeds());
  EXPECT_EQ(InPod(pod, {"cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"}), "0\n");

  Tell(kIp, {"address", "add", "fd77::1/64", "dev", "br0", "nodad"});
  Tell(kIp, {"-n", pod.id, "address", "add", "fd77::2/64", "dev", "eth0", "nodad"});
  EXPECT_TRUE(Reaches(pod, "fd77::1"));
  EXPECT_THAT(Check(pod, Only(4), result), Succeeds());
  Tell(kIp, {"-n", pod.id, "link", "set", "lo", "up"});
  EXPECT_TRUE(Reaches(pod, "::1"));
}

TEST_F(LinkLocalTest, AnIpv4PodOfTypePtpHasNoneInEitherModeAndItsIpv6Works) {
  for (const char* mode : {"subnet", "routed"}) {
    const Pod pod = MakePod(mode);
    const json::Value result = Added(pod, Only(4, Ptp(mode)));
    const std::string host = result["interfaces"][0]["name"];

    ExpectNoIpv6Address(pod);
    EXPECT_THAT(Check(pod, Only(4, Ptp(mode)), result), Succeeds());
    Tell(kIp, {"address", "add", "fd77::1/64", "dev", host, "nodad"});
    Tell(kIp, {"-n", pod.id, "address", "add", "fd77::2/64", "dev", "eth0", "nodad"});
    EXPECT_TRUE(Reaches(pod, "fd77::1")) << mode;
    EXPECT_THAT(Del(pod, Only(4, Ptp(mode))), Succeeds());
  }
}

TEST_F(LinkLocalTest, AnIpv4PodThatWasPreparedForHasNone) {
  json::Value conf = Only(4);
  conf.erase("ephemeralBridge");
  Added(MakePod("c1"), conf);
  const Pod pod = MakePod("c2");
  ASSERT_THAT(Run("PREPARE", pod, conf), Succeeds());
  Added(pod, conf);

  ExpectNoIpv6Address(pod);

  Tell(kIp, {"link", "delete", "br0"});
}

TEST_F(LinkLocalTest, ItStaysAwayWhenTheInterfaceGoesDownAndUp) {
  const Pod pod = MakePod("c1");
  Added(pod, Only(4));
  for (const char* state : {"down", "up"}) {
    Tell(kIp, {"-n", pod.id, "link", "set", "eth0", state});
  }
  ExpectNoIpv6Address(pod);
}

// To the kernel it is as if it had been started without IPv6.
TEST_F(LinkLocalTest, APodOfTypePtpMayBeSmallerThanIpv6Wants) {
  json::Value conf = Only(4, Ptp("subnet"));
  conf["mtu"] = 1000;
  const Pod pod = MakePod("c1");
  Added(pod, conf);
  EXPECT_EQ(Ip({"link", "show", "dev", "eth0"}, pod)[0]["mtu"], 1000);
  EXPECT_TRUE(Reaches(pod, "10.9.0.1"));
}

TEST_F(LinkLocalTest, APodWithAnIpv6AddressHasIt) {
  const json::Value confs[] = {Conf(), Only(6), Only(6, Ptp("subnet")), Only(6, Ptp("routed"))};
  for (const json::Value& conf : confs) {
    const Pod pod = MakePod("c" + std::to_string(&conf - confs));
    Added(pod, conf);
    EXPECT_TRUE(GetsLinkLocal(pod)) << json::Write(conf);
    EXPECT_THAT(Del(pod, conf), Succeeds());
  }
}

TEST_F(LinkLocalTest, APodWhoseNetworkGivesNoAddressAtAllHasIt) {
  json::Value conf = Conf();
  for (const char* key : {"ipam", "isGateway", "ipMasq"}) conf.erase(key);
  const Pod pod = MakePod("c1");
  Added(pod, conf);
  EXPECT_TRUE(GetsLinkLocal(pod));
}

TEST_F(LinkLocalTest, TuningBringsItBack) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, Only(4));
  const json::Value tuning{
      {"cniVersion", "1.1.0"}, {"name", "testnet"},
      {"type", "tuning"},      {"stateDir", state()},
      {"prevResult", result},  {"sysctl", {{"net.ipv6.conf.IFNAME.addr_gen_mode", "0"}}}};
  EXPECT_THAT(Run("ADD", pod, tuning), Succeeds());
  EXPECT_TRUE(GetsLinkLocal(pod));
  EXPECT_THAT(Run("DEL", pod, tuning), Succeeds());
}

TEST_F(LinkLocalTest, ANewIpv4PodSendsNothingOfIpv6) {
  json::Value conf = Only(4);
  conf.erase("ephemeralBridge");
  Tell(kIp, {"link", "add", "br0", "type", "bridge"});
  Tell("/bin/sh", {"-c", "echo 1 >/proc/sys/net/ipv6/conf/br0/disable_ipv6"});  // it would
  const Pod first = MakePod("c1");
  const Pod second = MakePod("c2");
  const std::string none = Packets(first);
  Added(first, conf);
  Added(second, conf);

  std::this_thread::sleep_for(kLongEnough);

  EXPECT_EQ(Packets(first), none);
  EXPECT_EQ(Packets(second), none);
  EXPECT_TRUE(Reaches(first, "10.9.0.3"));
  Tell(kIp, {"link", "delete", "br0"});
}

}  // namespace
}  // namespace trivet::cni
