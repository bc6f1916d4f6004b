// PREPARE, which makes the veth pair of an ADD that may come: the ADD takes it, whatever has become
// of it meanwhile.
#include <gmock/gmock.h>

#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/processes.h"

namespace trivet::cni {
namespace {

using ::testing::Contains;
using testing::Eventually;
using ::testing::Not;

constexpr const char* kIp = "/usr/sbin/ip";

class PrepareTest : public PluginTest {
 protected:
  // The bridges stay on purpose.
  void TearDown() override {
    for (const char* bridge : {"br0", "br1"}) {
      if (!IsSkipped() && HasLink(bridge)) Tell(kIp, {"link", "delete", bridge});
    }
    PluginTest::TearDown();
  }

  [[nodiscard]] json::Value Kept() const {
    json::Value conf = Conf();
    conf.erase("ephemeralBridge");
    return conf;
  }
  Answer Prepare(const Pod& pod, const json::Value& conf) { return Run("PREPARE", pod, conf); }

  /// A pair that PREPARE has made.
  struct Pair {
    std::string host;
    json::Value host_index;
    json::Value index;  // of eth0
  };
  static Pair PairOf(const Pod& pod) {
    const json::Value end = Ip({"link", "show", "dev", "eth0"}, pod)[0];
    const json::Value host = FindEntry(Ip({"link"}), "ifindex", end["link_index"]);
    return {host.value("ifname", ""), host.value("ifindex", json::Value()), end["ifindex"]};
  }
  Pair MustPrepare(const Pod& pod, const json::Value& conf) {
    EXPECT_THAT(Prepare(pod, conf), Succeeds());
    return PairOf(pod);
  }
  /// Where a bridge is there and a pod is on it: the pair for another pod.
  Pair MustPrepareSecond(const json::Value& conf) {
    Added(first_ = MakePod("c0"), conf);
    return MustPrepare(second_ = MakePod("c1"), conf);
  }
  static bool IsThere(const Pair& pair) {
    return FindEntry(Ip({"link"}), "ifname", pair.host)["ifindex"] == pair.host_index;
  }
  /// The second pod's ADD works, with the pair or with another one.
  enum class With { kThePair, kAnother };
  void ExpectAddWorks(const json::Value& conf, const Pair& pair, With with,
                      const std::string& gateway = "10.9.0.1") {
    const json::Value result = Added(second_, conf);
    EXPECT_EQ(PairOf(second_).host, pair.host);
    EXPECT_EQ(IsThere(pair), with == With::kThePair);
    EXPECT_THAT(Check(second_, conf, result), Succeeds());
    EXPECT_TRUE(Reaches(second_, gateway));
  }

  Pod first_;
  Pod second_;
};

TEST_F(PrepareTest, LeavesAPairThatIsDownAndNobodysAndEndsWithItsNamespace) {
  Added(MakePod("c0"), Kept());
  const Pod pod = MakePod("c1");
  Snapshot before = Look();

  const Answer answer = Prepare(pod, Kept());

  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.out, "");
  const json::Value port = Ip({"link", "show", "dev", PairOf(pod).host})[0];
  EXPECT_EQ(port["master"], "br0");
  EXPECT_THAT(port["flags"], Not(Contains("UP")));
  EXPECT_FALSE(port.contains("ifalias"));
  EXPECT_THAT(Ip({"link", "show", "dev", "eth0"}, pod)[0]["flags"], Not(Contains("UP")));
  RemoveNetns(pod);
  EXPECT_TRUE(Eventually([&] { return !HasLink(port["ifname"]); }));
  before.erase("links");  // with timers of the bridge
  const Snapshot after = Look();
  for (const auto& [kind, listing] : before) EXPECT_EQ(after.at(kind), listing) << kind;
}

TEST_F(PrepareTest, LeavesNothingWhereItFails) {
  const Pod pod = MakePod("c1");
  EXPECT_THAT(Prepare(pod, Kept()), IsRefused(11, "there is no bridge br0"));
  Tell(kIp, {"link", "add", "br0", "type", "veth", "peer", "name", "x"});
  EXPECT_THAT(Prepare(pod, Kept()), IsRefused(11, "there is no bridge br0"));
  Tell(kIp, {"link", "delete", "br0"});
  ExpectNothingLeft("without a bridge");

  Tell(kIp, {"link", "add", "br0", "type", "bridge"});
  Remember();
  EXPECT_THAT(Prepare(pod, Conf()), IsRefused(2, "br0 is ephemeral"));
  Tell(kIp, {"-n", pod.id, "link", "add", "eth0", "type", "bridge"});
  EXPECT_THAT(Prepare(pod, Kept()), IsRefused(101, "File exists"));
  ExpectNothingLeft("after the refusals");
  Tell(kIp, {"link", "delete", "br0"});
  Remember();
}

TEST_F(PrepareTest, TwiceIsRefusedAndTheFirstPairIsTaken) {
  const Pair pair = MustPrepareSecond(Kept());
  EXPECT_THAT(Prepare(second_, Kept()), IsRefused(101, pair.host));
  ExpectAddWorks(Kept(), pair, With::kThePair);
}

TEST_F(PrepareTest, OfAPodThatIsAttachedIsRefusedAndChangesNothing) {
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, Kept());
  const Pair pair = PairOf(pod);
  EXPECT_THAT(Prepare(pod, Kept()), IsRefused(101, pair.host));
  EXPECT_TRUE(IsThere(pair));
  EXPECT_THAT(Add(pod, Kept()), IsRefused(101, "attached already"));
  EXPECT_THAT(Check(pod, Kept(), result), Succeeds());
}

TEST_F(PrepareTest, AnAddThatFailsTakesThePairAlong) {
  json::Value conf = Kept();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.0/30"}}})};
  conf["ipam"]["routes"].erase(1);
  const Pair pair = MustPrepareSecond(conf);
  EXPECT_THAT(Add(second_, conf), IsRefused(11, "no address is left"));
  EXPECT_FALSE(HasLink(pair.host));
  EXPECT_FALSE(HasLink("eth0", second_));
  EXPECT_THAT(Del(first_, conf), Succeeds());
  ExpectAddWorks(conf, pair, With::kAnother);
}

TEST_F(PrepareTest, ADelWithoutAnAddRemovesThePair) {
  const Pair pair = MustPrepareSecond(Kept());
  EXPECT_THAT(Del(second_, Kept()), Succeeds());
  EXPECT_FALSE(HasLink(pair.host));
}

TEST_F(PrepareTest, GcStatusAndTheOthersDelLeaveThePairToItsAdd) {
  const Pair pair = MustPrepareSecond(Kept());
  EXPECT_THAT(Status(Kept()), Succeeds());
  EXPECT_THAT(Gc(Kept(), {first_}), Succeeds());
  EXPECT_THAT(Del(first_, Kept()), Succeeds());
  EXPECT_THAT(Gc(Kept(), {}), Succeeds());
  EXPECT_TRUE(IsThere(pair));
  ExpectAddWorks(Kept(), pair, With::kThePair);
}

TEST_F(PrepareTest, AHostEndThatSomebodyHasDeletedIsMadeAnew) {
  const Pair pair = MustPrepareSecond(Kept());
  Tell(kIp, {"link", "delete", pair.host});
  ExpectAddWorks(Kept(), pair, With::kAnother);
}

// The policy has to be in force before it is up.
TEST_F(PrepareTest, AHostEndThatSomebodyHasBroughtUpIsMadeAnew) {
  const Pair pair = MustPrepareSecond(Kept());
  Tell(kIp, {"link", "set", pair.host, "up"});
  ExpectAddWorks(Kept(), pair, With::kAnother);
}

TEST_F(PrepareTest, APortOfABridgeThatIsGoneIsMadeAnew) {
  const Pair pair = MustPrepareSecond(Kept());
  Tell(kIp, {"link", "delete", "br0"});
  Tell(kIp, {"link", "add", "br0", "type", "bridge"});
  ExpectAddWorks(Kept(), pair, With::kAnother);
}

TEST_F(PrepareTest, APairOfAnotherSizeOrBridgeIsMadeAnew) {
  json::Value small = Kept();
  small["mtu"] = 1400;
  json::Value elsewhere = Kept();
  elsewhere["bridge"] = "br1";
  elsewhere["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.10.0.0/24"}}})};
  elsewhere["ipam"]["routes"].erase(1);
  const std::pair<json::Value, json::Value> changes[] = {
      {Kept(), small}, {small, Kept()}, {Kept(), elsewhere}};
  for (const auto& [before, now] : changes) {
    const Pair pair = MustPrepareSecond(before);
    EXPECT_THAT(Del(first_, before), Succeeds());
    ExpectAddWorks(now, pair, With::kAnother, now == elsewhere ? "10.10.0.1" : "10.9.0.1");
    const json::Value port = Ip({"link", "show", "dev", pair.host})[0];
    EXPECT_EQ(port["master"], now["bridge"]);
    EXPECT_EQ(port["mtu"], now.value("mtu", 1500));
    EXPECT_EQ(Ip({"link", "show", "dev", "eth0"}, second_)[0]["mtu"], port["mtu"]);
    EXPECT_THAT(Del(second_, now), Succeeds());
    for (const Pod& pod : {first_, second_}) RemoveNetns(pod);
  }
}

// Not by its name alone: the pod of one with another's peer, or with an alias, is another's.
TEST_F(PrepareTest, APairThatIsAnothersIsNotTaken) {
  const Pair pair = MustPrepareSecond(Kept());
  Tell(kIp, {"link", "set", pair.host, "alias", "somebody's"});
  EXPECT_THAT(Add(second_, Kept()), IsRefused(101, pair.host));

  Tell(kIp, {"link", "add", pair.host, "type", "veth", "peer", "name", "eth1", "netns", "c0"});
  EXPECT_THAT(Add(second_, Kept()), IsRefused(101, pair.host));
  Tell(kIp, {"link", "add", pair.host, "type", "veth", "peer", "name", "eth1"});
  EXPECT_THAT(Add(second_, Kept()), IsRefused(101, pair.host));
  Tell(kIp, {"link", "add", pair.host, "type", "bridge"});
  EXPECT_THAT(Add(second_, Kept()), IsRefused(101, pair.host));
}

// One without a MAC address of its own has the lowest of its ports'.
TEST_F(PrepareTest, ABridgeOfSomebodyElsesKeepsItsMacAddress) {
  Tell(kIp, {"link", "add", "br0", "type", "bridge"});
  const json::Value mac = Ip({"link", "show", "dev", "br0"})[0]["address"];
  MustPrepare(MakePod("c1"), Kept());
  EXPECT_EQ(Ip({"link", "show", "dev", "br0"})[0]["address"], mac);
}

TEST_F(PrepareTest, APairOfThePtpTypesOtherModeIsMadeAnew) {
  json::Value subnet = Kept();
  subnet["type"] = "ptp";
  for (const char* key : {"bridge", "isGateway"}) subnet.erase(key);
  json::Value routed = subnet;
  routed["mode"] = "routed";
  routed["ipam"].erase("routes");
  const Pod pod = MakePod("c1");
  const Pair pair = MustPrepare(pod, subnet);
  const json::Value result = Added(pod, routed);
  EXPECT_FALSE(IsThere(pair));
  EXPECT_THAT(Check(pod, routed, result), Succeeds());
}

}  // namespace
}  // namespace trivet::cni
