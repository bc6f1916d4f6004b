// Type "bandwidth", chained after a bridge: what the kernel's queues do to real packets.
#include <sched.h>
#include <sys/socket.h>

#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

#include "common/base/unique_fd.h"
#include "tests/integration/cni/chain_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const json::Value kBothWays{
    {"ingressRate", 8000}, {"ingressBurst", 40000}, {"egressRate", 8000}, {"egressBurst", 40000}};

class BandwidthTest : public ChainTest {
 protected:
  void SetUp() override {
    ChainTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
    result_ = Added(pod_, Conf());
    for (const json::Value& interface : result_["interfaces"]) {
      if (interface["name"].get<std::string>().starts_with("veth")) host_end_ = interface["name"];
    }
  }

  [[nodiscard]] json::Value Limited(const json::Value& members) const {
    return Chained("bandwidth", members, result_);
  }
  static std::string Qdiscs() { return Tell("/usr/sbin/tc", {"qdisc"}); }
  [[nodiscard]] static std::string IfbOf(const json::Value& result) {
    return result["interfaces"].back()["name"];
  }

  /// Packets that the queues of `link` dropped so far.
  static uint64_t Dropped(const std::string& link) {
    const auto value =
        json::Parse(Tell("/usr/sbin/tc", {"-s", "-json", "qdisc", "show", "dev", link, "root"}));
    return value ? (*value)[0].value("drops", uint64_t{0}) : 0;
  }

  /// 100 packets of 1000 bytes at once: twenty times what a burst of kBothWays lets through.
  static void Flood(const std::string& to) {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    ASSERT_EQ(::inet_pton(AF_INET, to.c_str(), &address.sin_addr), 1);
    const std::string packet(1000, 'x');
    for (int i = 0; i < 100; ++i) {
      ::sendto(socket.get(), packet.data(), packet.size(), 0,
               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  void FloodFromPod(const std::string& to) const {
    std::thread([&] {
      const UniqueFd netns(::open(pod_.netns.c_str(), O_RDONLY | O_CLOEXEC));
      ASSERT_EQ(::setns(netns.get(), CLONE_NEWNET), 0);
      Flood(to);
    }).join();
  }

  Pod pod_;
  json::Value result_;
  std::string host_end_;
};

TEST_F(BandwidthTest, DropsInBothDirectionsWhatIsBeyondTheBurst) {
  const Answer answer = Run("ADD", pod_, Limited(kBothWays));
  ASSERT_THAT(answer, Succeeds());
  const std::string ifb = IfbOf(answer.value);
  EXPECT_THAT(ifb, ::testing::StartsWith("bwp"));
  EXPECT_THAT(Check(pod_, Limited(kBothWays), answer.value), Succeeds());

  Flood("10.9.0.2");
  EXPECT_GT(Dropped(host_end_), 50U);
  FloodFromPod("10.9.0.1");
  EXPECT_GT(Dropped(ifb), 50U);

  EXPECT_THAT(Run("DEL", pod_, Limited(kBothWays)), Succeeds());
  EXPECT_THAT(Qdiscs(), Not(HasSubstr("tbf")));
  EXPECT_FALSE(HasLink(ifb));
}

TEST_F(BandwidthTest, SparesPeersThatAreNotMeant) {
  json::Value members = kBothWays;
  members["unshapedSubnets"] = {"10.9.0.0/16", "fd09::/64"};
  const Answer answer = Run("ADD", pod_, Limited(members));
  ASSERT_THAT(answer, Succeeds());

  Flood("10.9.0.2");
  FloodFromPod("10.9.0.1");

  EXPECT_EQ(Dropped(host_end_), 0U);
  EXPECT_EQ(Dropped(IfbOf(answer.value)), 0U);
  EXPECT_THAT(Check(pod_, Limited(members), answer.value), Succeeds());
  EXPECT_THAT(Run("DEL", pod_, Limited(members)), Succeeds());
  EXPECT_THAT(Qdiscs(), Not(HasSubstr("htb")));
}

TEST_F(BandwidthTest, LimitsPeersThatAreMeantAlone) {
  json::Value members = kBothWays;
  members["shapedSubnets"] = {"192.0.2.0/24", "10.9.0.1/32"};
  const Answer answer = Run("ADD", pod_, Limited(members));
  ASSERT_THAT(answer, Succeeds());

  FloodFromPod("10.9.0.1");

  EXPECT_GT(Dropped(IfbOf(answer.value)), 50U);
  EXPECT_THAT(Tell("/usr/sbin/tc", {"class", "show", "dev", host_end_}),
              HasSubstr("rate 8Kbit ceil 8Kbit"));
  EXPECT_THAT(Run("DEL", pod_, Limited(members)), Succeeds());
}

TEST_F(BandwidthTest, WithoutALimitPassesTheResultOn) {
  json::Value previous = result_;
  previous["interfaces"][0]["socketPath"] = "/x";
  const json::Value conf = Chained("bandwidth", json::Value::object(), previous);

  const Answer answer = Run("ADD", pod_, conf);

  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.value, previous);
  EXPECT_THAT(Run("CHECK", pod_, conf), Succeeds());
  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());
}

TEST_F(BandwidthTest, MayBeAddedAgainWithOtherNumbers) {
  EXPECT_THAT(Run("ADD", pod_, Limited(kBothWays)), Succeeds());

  const json::Value other{{"ingressRate", 16000}, {"ingressBurst", 40000}};
  EXPECT_THAT(Run("ADD", pod_, Limited(other)), Succeeds());

  EXPECT_THAT(Qdiscs(), HasSubstr("rate 16Kbit"));
  EXPECT_THAT(Qdiscs(), Not(HasSubstr("ingress")));
  EXPECT_THAT(Run("DEL", pod_, Limited(other)), Succeeds());
}

TEST_F(BandwidthTest, CheckNamesWhatIsMissing) {
  const Answer answer = Run("ADD", pod_, Limited(kBothWays));
  const std::string ifb = IfbOf(answer.value);
  const json::Value conf = Limited(kBothWays);

  Tell("/usr/sbin/tc", {"qdisc", "delete", "dev", host_end_, "ingress"});
  EXPECT_THAT(Check(pod_, conf, answer.value), IsRefused(102, "does not redirect to " + ifb));
  Tell("/usr/sbin/tc", {"qdisc", "change", "dev", host_end_, "root", "tbf", "rate", "9kbit",
                        "burst", "5000", "latency", "25ms"});
  EXPECT_THAT(Check(pod_, conf, answer.value), IsRefused(102, "limited to 1125 bytes/s, not 1000"));
  Tell("/usr/sbin/tc", {"qdisc", "delete", "dev", host_end_, "root"});
  EXPECT_THAT(Check(pod_, conf, answer.value), IsRefused(102, "has no limit"));

  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());
  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());
}

TEST_F(BandwidthTest, LeavesAnotherOnesQdiscAlone) {
  Tell("/usr/sbin/tc", {"qdisc", "add", "dev", host_end_, "ingress"});
  const Snapshot before = LookBesideBridge(pod_);

  EXPECT_THAT(Run("ADD", pod_, Limited(kBothWays)), IsRefused(101, "has a qdisc ingress already"));

  EXPECT_EQ(LookBesideBridge(pod_), before);
}

TEST_F(BandwidthTest, LimitsAHostEndThatIsTooSmallForIpv6) {
  Tell("/usr/sbin/ip", {"link", "set", host_end_, "mtu", "1000"});

  EXPECT_THAT(Run("ADD", pod_, Limited(kBothWays)), Succeeds());
  EXPECT_THAT(Run("DEL", pod_, Limited(kBothWays)), Succeeds());
}

TEST_F(BandwidthTest, LeavesNothingWhereItFails) {
  const std::string ifb = IfbOf(Run("ADD", pod_, Limited(kBothWays)).value);
  EXPECT_THAT(Run("DEL", pod_, Limited(kBothWays)), Succeeds());
  Tell("/usr/sbin/ip", {"link", "add", ifb, "type", "veth", "peer", "name", "x"});
  const Snapshot before = LookBesideBridge(pod_);

  EXPECT_THAT(Run("ADD", pod_, Limited(kBothWays)), IsRefused(101, "create ifb " + ifb));

  EXPECT_EQ(LookBesideBridge(pod_), before);
  Tell("/usr/sbin/ip", {"link", "delete", ifb});
}

TEST_F(BandwidthTest, RefusesAnInterfaceThatIsNoVeth) {
  EXPECT_THAT(Run("ADD", pod_, Limited(kBothWays), {{"CNI_IFNAME", "lo"}}),
              IsRefused(7, "lo has no veth peer"));
  json::Value alone = Limited(kBothWays);
  alone.erase("prevResult");
  EXPECT_THAT(Run("ADD", pod_, alone), IsRefused(7, "prevResult: missing"));
}

TEST_F(BandwidthTest, GcFreesWhatIsNotValidWithAndWithoutARecord) {
  const Pod other = MakePod("c2");
  const json::Value other_conf = Chained("bandwidth", kBothWays, Added(other, Conf()));
  const std::string kept = IfbOf(Run("ADD", pod_, Limited(kBothWays)).value);
  const std::string freed = IfbOf(Run("ADD", other, other_conf).value);

  EXPECT_THAT(Gc(other_conf, {pod_}), Succeeds());
  EXPECT_TRUE(HasLink(kept));
  EXPECT_FALSE(HasLink(freed));

  std::filesystem::remove_all(state() / "chained");
  EXPECT_THAT(Gc(other_conf, {}), Succeeds());
  EXPECT_FALSE(HasLink(kept));
}

TEST_F(BandwidthTest, DelNeedsNeitherNamespaceNorHostEnd) {
  const json::Value conf = Limited(kBothWays);
  const std::string ifb = IfbOf(Run("ADD", pod_, conf).value);
  RemoveNetns(pod_);
  EXPECT_THAT(Del(pod_, Conf(), {{"CNI_NETNS", ""}}), Succeeds());

  json::Value bare = conf;
  bare.erase("prevResult");
  EXPECT_THAT(Run("DEL", pod_, bare, {{"CNI_NETNS", ""}}), Succeeds());

  EXPECT_FALSE(HasLink(ifb));
  ExpectNothingLeft("after DEL");
}

class BandwidthKillTest : public ChainTest {};

TEST_F(BandwidthKillTest, AnAddThatIsKilledAnywhereLeavesNothing) {
  RecoverFromEachKill("bandwidth", kBothWays);
}

}  // namespace
}  // namespace trivet::cni
