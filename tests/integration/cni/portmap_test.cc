// Type "portmap", chained after a bridge: who holds which port, and that nothing stays behind.
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "tests/integration/cni/host_port_test.h"

namespace trivet::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PortmapTest : public HostPortTest {
 protected:
  Answer Map(const Attached& attached, const std::vector<json::Value>& mappings) {
    return Run("ADD", attached.pod, Mapped(attached, mappings));
  }
  void Unmap(const Attached& attached, const std::vector<json::Value>& mappings) {
    EXPECT_THAT(Run("DEL", attached.pod, Mapped(attached, mappings)), Succeeds());
  }
  /// Rules and files of state.
  std::string Kept() {
    Snapshot now = Look();
    return now["nftables"] + now["files"];
  }
  static std::string Table() {
    return Tell("/usr/sbin/nft", {"list", "table", "inet", "trivet_host_ports"});
  }
};

TEST_F(PortmapTest, APortThatIsTakenIsRefusedWithTheNameOfItsHolder) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  const Attached other = Attach("c", 1);
  EXPECT_THAT(Map(a, {Mapping(8080, 80)}), Succeeds());
  const std::string before = Table();

  EXPECT_THAT(Map(b, {Mapping(9090, 90), Mapping(8080, 80)}),
              IsRefused(101,
                        "host port 8080/tcp is taken by container a (eth0 of network "
                        "testnet)"));
  EXPECT_THAT(Map(other, {Mapping(8080, 1)}), IsRefused(101, "taken by container a"));
  EXPECT_EQ(Table(), before);
  EXPECT_THAT(Map(b, {Mapping(8080, 80, "udp"), Mapping(8081, 80)}), Succeeds());

  Unmap(b, {});  // by its record
  Unmap(other, {Mapping(8080, 1)});
  EXPECT_EQ(Table(), before);
  Unmap(a, {});
  EXPECT_THAT(Map(b, {Mapping(8080, 80)}), Succeeds());
  Unmap(b, {});
}

TEST_F(PortmapTest, APortOfEveryAddressIsTakenWhereOneOfASingleAddressIs) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  EXPECT_THAT(Map(a, {MappingOf("192.0.2.1", 8080, 80)}), Succeeds());

  EXPECT_THAT(Map(b, {Mapping(8080, 80)}), IsRefused(101, "8080/tcp of 192.0.2.1 is taken by"));
  EXPECT_THAT(Map(b, {MappingOf("0.0.0.0", 8080, 80)}), IsRefused(101, "taken by container a"));
  EXPECT_THAT(Map(b, {MappingOf("192.0.2.1", 8080, 80)}), IsRefused(101, "taken by container a"));
  EXPECT_THAT(Map(b, {MappingOf("::", 8080, 80), MappingOf("192.0.2.9", 8080, 80)}), Succeeds());

  Unmap(a, {});
  EXPECT_THAT(Map(a, {MappingOf("fd99::1", 8080, 80)}),
              IsRefused(101, "host port 8080/tcp is taken by container b"));
  Unmap(b, {});
}

TEST_F(PortmapTest, WithoutMappingsTheResultIsPassedOnAndNothingMade) {
  const Attached a = Attach("a");
  const std::string before = Kept();

  EXPECT_EQ(Map(a, {}).value, a.result);
  EXPECT_EQ(Map(a, {Mapping(0, 80)}).value, a.result);
  EXPECT_EQ(Kept(), before);
  json::Value conf = Mapped(a, {});
  conf.erase("runtimeConfig");
  EXPECT_EQ(Run("ADD", a.pod, conf).value, a.result);
  EXPECT_THAT(Check(a.pod, conf, a.result), Succeeds());
  EXPECT_THAT(Run("DEL", a.pod, conf), Succeeds());
  EXPECT_EQ(Kept(), before);
}

TEST_F(PortmapTest, AMappingOfAFamilyThatTheContainerHasNotIsRefused) {
  const Attached other = Attach("c", 1);
  const std::string before = Kept();

  EXPECT_THAT(Map(other, {MappingOf("fd99::1", 8080, 80)}),
              IsRefused(7, "host port 8080/tcp: the container has no address of its family"));
  EXPECT_EQ(Kept(), before);
}

TEST_F(PortmapTest, CheckNamesWhatIsMissing) {
  const Attached a = Attach("a");
  const json::Value conf = Mapped(a, {Mapping(8080, 80)});
  EXPECT_THAT(Check(a.pod, conf, a.result), IsRefused(102, "no record"));
  EXPECT_THAT(Run("ADD", a.pod, conf), Succeeds());
  EXPECT_THAT(Check(a.pod, conf, a.result), Succeeds());

  Tell("/usr/sbin/nft",
       {"delete", "element", "inet", "trivet_host_ports", "ports_v6", "{ tcp . 8080 }"});
  EXPECT_THAT(Check(a.pod, conf, a.result),
              IsRefused(102, "host port 8080/tcp does not lead to fd09::2 port 80"));
  EXPECT_THAT(Run("ADD", a.pod, conf), Succeeds());
  Tell("/usr/sbin/nft", {"flush", "chain", "inet", "trivet_host_ports", "host_ports"});
  EXPECT_THAT(Check(a.pod, conf, a.result), IsRefused(102, "chain host_ports of table"));
  Tell("/usr/sbin/nft", {"delete", "table", "inet", "trivet_host_ports"});
  EXPECT_THAT(Check(a.pod, conf, a.result), IsRefused(102, "does not lead to"));
  EXPECT_THAT(Run("ADD", a.pod, conf), Succeeds());
  EXPECT_THAT(Check(a.pod, conf, a.result), Succeeds());

  EXPECT_THAT(Run("DEL", a.pod, conf), Succeeds());
}

TEST_F(PortmapTest, TheLastOfANetworkTakesItsSharedThingsAlong) {
  const Attached a = Attach("a");
  const Attached other = Attach("c", 1);
  EXPECT_THAT(Map(other, {Mapping(8081, 80)}), Succeeds());
  const std::string before = Table();
  EXPECT_THAT(Map(a, {Mapping(8080, 80)}), Succeeds());
  EXPECT_EQ(RouteLocalnet("br0"), "1");

  Unmap(a, {});

  EXPECT_EQ(Table(), before);
  EXPECT_EQ(RouteLocalnet("br0"), "0");
  EXPECT_EQ(RouteLocalnet("br1"), "1");
  Unmap(other, {});
}

TEST_F(PortmapTest, ARouteLocalnetOfSomebodyElseStays) {
  const Attached a = Attach("a");
  Tell("/usr/sbin/sysctl", {"-q", "-w", "net.ipv4.conf.br0.route_localnet=1"});
  EXPECT_THAT(Map(a, {Mapping(8080, 80)}), Succeeds());

  Unmap(a, {});

  EXPECT_EQ(RouteLocalnet("br0"), "1");
  Tell("/usr/sbin/sysctl", {"-q", "-w", "net.ipv4.conf.br0.route_localnet=0"});
}

TEST_F(PortmapTest, AContainerWithAnInterfaceOfItsOwnClosesItItself) {
  const json::Value routed{{"type", "ptp"}, {"bridge", nullptr}};
  const Attached a = Attach("a", 0, routed);
  const Attached b = Attach("b", 0, routed);
  const std::string host_end = a.result["interfaces"][0]["name"];
  EXPECT_THAT(Map(b, {Mapping(8081, 80)}), Succeeds());
  const std::string before = Table();
  EXPECT_THAT(Map(a, {Mapping(8080, 80)}), Succeeds());
  EXPECT_EQ(RouteLocalnet(host_end), "1");
  const UniqueFd server = Serve(a.pod, SOCK_STREAM, 80);
  EXPECT_EQ(SeenFrom({}, "127.0.0.1", 8080, server), "10.9.0.1");

  Unmap(a, {});

  EXPECT_EQ(RouteLocalnet(host_end), "0");
  EXPECT_EQ(Table(), before);
  Unmap(b, {});
}

TEST_F(PortmapTest, GcFreesThePortsOfItsNetworkThatAreNotValidEvenWithoutRecords) {
  const Attached a = Attach("a");
  const Attached b = Attach("b");
  const Attached other = Attach("c", 1);
  EXPECT_THAT(Map(a, {Mapping(8080, 80)}), Succeeds());
  EXPECT_THAT(Map(other, {Mapping(8082, 80)}), Succeeds());
  const std::string before = Table();
  EXPECT_THAT(Map(b, {Mapping(8081, 80), MappingOf("127.0.0.1", 53, 53)}), Succeeds());

  EXPECT_THAT(Gc(Mapped(a, {}), {a.pod}), Succeeds());
  EXPECT_EQ(Table(), before);

  std::filesystem::remove_all(state() / "chained");
  EXPECT_THAT(Gc(Mapped(a, {}), {}), Succeeds());
  EXPECT_THAT(Table(), Not(HasSubstr("testnet@")));
  EXPECT_THAT(Table(), HasSubstr("othernet@c@eth0"));
  EXPECT_THAT(Run("DEL", other.pod, Mapped(other, {Mapping(8082, 80)})), Succeeds());
  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_host_ports")));
}

TEST_F(PortmapTest, ManyAtOnceGetTheirPortsAndLeaveNothing) {
  std::vector<Attached> pods;
  for (int i = 0; i < 16; ++i) pods.push_back(Attach(fmt::format("p{}", i), i % 2));
  const auto run_all = [&](const std::string& verb) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < pods.size(); ++i) {
      threads.emplace_back([&, i] {
        const json::Value conf = Mapped(pods[i], {Mapping(8000 + static_cast<int>(i), 80)});
        EXPECT_THAT(Run(verb, pods[i].pod, conf), Succeeds()) << pods[i].pod.id;
      });
    }
    for (std::thread& thread : threads) thread.join();
  };

  run_all("ADD");
  for (int i = 0; i < 16; ++i) EXPECT_THAT(Table(), HasSubstr(fmt::format("tcp . {} ", 8000 + i)));
  run_all("DEL");

  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_host_ports")));
  EXPECT_EQ(RouteLocalnet("br0"), "0");
}

TEST_F(PortmapTest, OfManyThatWantOnePortOneGetsIt) {
  std::vector<Attached> pods;
  for (int i = 0; i < 8; ++i) pods.push_back(Attach(fmt::format("p{}", i)));
  std::atomic<int> winners = 0;
  std::vector<std::thread> threads;
  for (const Attached& pod : pods) {
    threads.emplace_back([&] {
      const Answer answer = Map(pod, {Mapping(8080, 80)});
      if (answer.ok()) {
        ++winners;
      } else {
        EXPECT_THAT(answer, IsRefused(101, "8080/tcp is taken by container p"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(winners, 1);
  for (const Attached& pod : pods) Unmap(pod, {});
  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_host_ports")));
}

const json::Value kKilled{
    {"runtimeConfig",
     {{"portMappings",
       json::Value::array({{{"hostPort", 53}, {"containerPort", 5353}, {"protocol", "udp"}}})}}}};

class PortmapKillTest : public ChainTest {};

TEST_F(PortmapKillTest, AnAddThatIsKilledAnywhereLeavesNothing) {
  RecoverFromEachKill("portmap", kKilled);
  EXPECT_EQ(Tell("/usr/sbin/sysctl", {"-n", "net.ipv4.conf.br0.route_localnet"}), "0\n");
}

TEST_F(PortmapKillTest, ADelThatIsKilledAnywhereIsMadeGoodByTheNext) {
  RecoverFromEachKilledDel("portmap", kKilled);
  EXPECT_EQ(Tell("/usr/sbin/sysctl", {"-n", "net.ipv4.conf.br0.route_localnet"}), "0\n");
}

}  // namespace
}  // namespace trivet::cni
