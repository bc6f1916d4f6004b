// Type "firewall", chained after a bridge: who reaches whom.
#include <thread>

#include "tests/integration/cni/chain_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

class FirewallTest : public ChainTest {
 protected:
  struct Attached {
    Pod pod;
    json::Value result;
    std::string address;
  };

  /// A pod in one of two networks, "testnet" of br0 and "othernet" of br1, with an ingress policy.
  Attached Attach(const std::string& id, int network, const std::string& policy) {
    Attached attached{.pod = MakePod(id), .result = {}, .address = {}};
    attached.result = Added(attached.pod, Network(network));
    const std::string address = AddressesOf(attached.result).front();
    attached.address = address.substr(0, address.find('/'));
    if (!policy.empty()) {
      EXPECT_THAT(Run("ADD", attached.pod, Walled(attached, network, policy)), Succeeds());
    }
    return attached;
  }
  [[nodiscard]] json::Value Network(int network) const {
    json::Value conf = Conf();
    conf["ipMasq"] = false;
    if (network == 0) return conf;
    conf["name"] = "othernet";
    conf["bridge"] = "br1";
    conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.10.0.0/24"}}})};
    conf["ipam"]["routes"] = {{{"dst", "0.0.0.0/0"}}};
    return conf;
  }
  [[nodiscard]] json::Value Walled(const Attached& attached, int network,
                                   const std::string& policy) const {
    json::Value conf = Chained("firewall", {{"ingressPolicy", policy}}, attached.result);
    conf["name"] = Network(network)["name"];
    return conf;
  }
};

TEST_F(FirewallTest, SameBridgeKeepsBridgesApartAndPodsOfOneTogether) {
  const Attached a = Attach("a", 0, "same-bridge");
  const Attached b = Attach("b", 0, "same-bridge");
  const Attached other = Attach("c", 1, "same-bridge");

  EXPECT_TRUE(Reaches(a.pod, b.address));
  EXPECT_TRUE(IsCutOff(a.pod, other.address));
  EXPECT_TRUE(IsCutOff(other.pod, b.address));
  EXPECT_THAT(Check(a.pod, Walled(a, 0, "same-bridge"), a.result), Succeeds());

  // The last pod of its bridge takes the bridge's policy along.
  EXPECT_THAT(Run("DEL", other.pod, Walled(other, 1, "same-bridge")), Succeeds());
  EXPECT_TRUE(Reaches(a.pod, other.address));
  EXPECT_THAT(Ruleset(), HasSubstr("br0"));
  EXPECT_THAT(Run("DEL", a.pod, Walled(a, 0, "same-bridge")), Succeeds());
  EXPECT_THAT(Run("DEL", b.pod, Walled(b, 0, "same-bridge")), Succeeds());
  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_firewall")));
}

TEST_F(FirewallTest, IsolatedKeepsPodsOfOneBridgeApartToo) {
  const Attached a = Attach("a", 0, "isolated");
  const Attached b = Attach("b", 0, "isolated");
  const Attached other = Attach("c", 1, "");

  EXPECT_TRUE(IsCutOff(a.pod, b.address));
  EXPECT_TRUE(Reaches(other.pod, b.address));  // whose bridge has no policy

  EXPECT_THAT(Run("DEL", a.pod, Walled(a, 0, "isolated")), Succeeds());
  EXPECT_THAT(Run("DEL", b.pod, Walled(b, 0, "isolated")), Succeeds());
}

TEST_F(FirewallTest, OpenPassesTheResultOnAndLetsAllIn) {
  const Attached a = Attach("a", 0, "");
  const Attached other = Attach("c", 1, "open");

  const Answer answer = Run("ADD", a.pod, Walled(a, 0, "open"));

  EXPECT_EQ(answer.value, a.result);
  EXPECT_TRUE(Reaches(a.pod, other.address));
  EXPECT_THAT(Ruleset(), HasSubstr("10.9.0.2, 10.10.0.2"));
  EXPECT_THAT(Run("DEL", a.pod, Walled(a, 0, "open")), Succeeds());
  EXPECT_THAT(Run("DEL", a.pod, Walled(a, 0, "open")), Succeeds());
  EXPECT_THAT(Run("DEL", other.pod, Walled(other, 1, "open")), Succeeds());
}

TEST_F(FirewallTest, RefusesTwoPoliciesOfOneBridgeAndAPolicyWithoutABridge) {
  const Attached a = Attach("a", 0, "same-bridge");
  const Attached b = Attach("b", 0, "");
  const Snapshot before = LookBesideBridge(b.pod);

  EXPECT_THAT(Run("ADD", b.pod, Walled(b, 0, "isolated")), IsRefused(101, "same_bridge"));
  EXPECT_EQ(LookBesideBridge(b.pod), before);
  json::Value conf = Walled(b, 0, "isolated");
  conf["prevResult"]["interfaces"].erase(0);
  EXPECT_EQ(Run("ADD", b.pod, conf).exit_code, 1);
  EXPECT_EQ(LookBesideBridge(b.pod), before);

  EXPECT_THAT(Run("DEL", a.pod, Walled(a, 0, "same-bridge")), Succeeds());
}

TEST_F(FirewallTest, ASecondDelLeavesAnAddressAloneThatIsSomebodyElsesMeanwhile) {
  const Attached gone = Attach("a", 0, "open");
  const json::Value conf = Walled(gone, 0, "open");
  EXPECT_THAT(Run("DEL", gone.pod, conf), Succeeds());
  EXPECT_THAT(Del(gone.pod, Network(0)), Succeeds());
  Attached next{.pod = MakePod("b"), .result = {}, .address = {}};
  next.result = Add(next.pod, Network(0), {{"CNI_ARGS", "IP=" + gone.address}}).value;
  const json::Value walled = Walled(next, 0, "open");
  ASSERT_THAT(Run("ADD", next.pod, walled), Succeeds());

  EXPECT_THAT(Run("DEL", gone.pod, conf), Succeeds());

  EXPECT_THAT(Check(next.pod, walled, next.result), Succeeds());
  EXPECT_THAT(Run("DEL", next.pod, walled), Succeeds());
}

TEST_F(FirewallTest, CheckNamesWhatIsMissing) {
  const Attached a = Attach("a", 0, "same-bridge");
  const json::Value conf = Walled(a, 0, "same-bridge");

  Tell("/usr/sbin/nft", {"delete", "element", "inet", "trivet_firewall", "pods_v4", "{10.9.0.2}"});
  EXPECT_THAT(Check(a.pod, conf, a.result), IsRefused(102, "pods_v4"));
  EXPECT_THAT(Run("ADD", a.pod, conf), Succeeds());
  Tell("/usr/sbin/nft", {"flush", "chain", "inet", "trivet_firewall", "forward"});
  EXPECT_THAT(Check(a.pod, conf, a.result), IsRefused(102, "has 0 rules"));

  EXPECT_THAT(Run("DEL", a.pod, conf), Succeeds());
}

TEST_F(FirewallTest, GcFreesWhatIsNotValidWithAndWithoutARecord) {
  const Attached a = Attach("a", 0, "same-bridge");
  const Attached b = Attach("b", 0, "same-bridge");
  const json::Value conf = Walled(a, 0, "same-bridge");

  EXPECT_THAT(Gc(conf, {a.pod}), Succeeds());
  EXPECT_THAT(Ruleset(), HasSubstr(a.address));
  EXPECT_THAT(Ruleset(), Not(HasSubstr(b.address)));

  std::filesystem::remove_all(state() / "chained");
  EXPECT_THAT(Gc(conf, {}), Succeeds());
  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_firewall")));
}

TEST_F(FirewallTest, ManyAtOnceGetInAndOut) {
  std::vector<Attached> pods;
  for (int i = 0; i < 16; ++i) pods.push_back(Attach(fmt::format("p{}", i), i % 2, ""));
  const auto run_all = [&](const std::string& verb) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < pods.size(); ++i) {
      threads.emplace_back([&, i] {
        const json::Value conf = Walled(pods[i], static_cast<int>(i % 2), "same-bridge");
        EXPECT_THAT(Run(verb, pods[i].pod, conf), Succeeds()) << pods[i].pod.id;
      });
    }
    for (std::thread& thread : threads) thread.join();
  };

  run_all("ADD");
  for (const Attached& pod : pods) EXPECT_THAT(Ruleset(), HasSubstr(pod.address));
  run_all("DEL");

  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_firewall")));
}

class FirewallKillTest : public ChainTest {};

TEST_F(FirewallKillTest, AnAddThatIsKilledAnywhereLeavesNothing) {
  RecoverFromEachKill("firewall", {{"ingressPolicy", "same-bridge"}});
}

TEST_F(FirewallKillTest, ADelThatIsKilledAnywhereIsMadeGoodByTheNext) {
  RecoverFromEachKilledDel("firewall", {{"ingressPolicy", "same-bridge"}});
}

}  // namespace
}  // namespace trivet::cni
