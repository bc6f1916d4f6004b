// CHECK: says what is not as ADD has left it, and nothing about the rest.
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

const std::string kIp = "/usr/sbin/ip";

class CheckTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
    result_ = Added(pod_, Conf());
  }
  Answer Check() { return PluginTest::Check(pod_, Conf(), result_); }
  [[nodiscard]] std::string HostEnd() const { return result_["interfaces"][1]["name"]; }
  static void InPod(std::vector<std::string> args) {
    args.insert(args.begin(), {"-n", "c1"});
    Tell(kIp, args);
  }

  Pod pod_;
  json::Value result_;
};

TEST_F(CheckTest, IsSatisfiedWithWhatAddHasMade) {
  const Answer answer = Check();

  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.out, "");
}

TEST_F(CheckTest, ToleratesWhatOthersHaveAdded) {
  InPod({"address", "add", "192.0.2.1/32", "dev", "eth0"});
  InPod({"route", "add", "198.51.100.0/24", "dev", "eth0"});
  Tell(kIp, {"address", "add", "192.0.2.9/32", "dev", "br0"});

  EXPECT_THAT(Check(), Succeeds());
}

TEST_F(CheckTest, NamesAnAddressThatIsGone) {
  InPod({"address", "delete", "10.9.0.2/24", "dev", "eth0"});

  EXPECT_THAT(Check(), IsRefused(102, "lacks address 10.9.0.2/24"));
}

TEST_F(CheckTest, NamesARouteThatIsGone) {
  InPod({"-6", "route", "delete", "default"});

  EXPECT_THAT(Check(), IsRefused(102, "lacks the route to ::/0"));
}

TEST_F(CheckTest, NamesAContainerEndThatIsDown) {
  InPod({"link", "set", "eth0", "down"});

  EXPECT_THAT(Check(), IsRefused(102, "eth0 is down"));
}

TEST_F(CheckTest, NamesAContainerEndThatIsGone) {
  InPod({"link", "delete", "eth0"});

  EXPECT_THAT(Check(), IsRefused(102, "link eth0 is absent"));
}

TEST_F(CheckTest, NamesAMacThatIsAnother) {
  InPod({"link", "set", "eth0", "address", "02:00:00:00:00:77"});

  EXPECT_THAT(Check(), IsRefused(102, "02:00:00:00:00:77"));
}

TEST_F(CheckTest, NamesAHostEndThatIsDownOrNoPort) {
  Tell(kIp, {"link", "set", HostEnd(), "down"});
  EXPECT_THAT(Check(), IsRefused(102, "down"));

  Tell(kIp, {"link", "set", HostEnd(), "up", "nomaster"});
  EXPECT_THAT(Check(), IsRefused(102, "no port of br0"));
}

TEST_F(CheckTest, NamesABridgeThatIsGone) {
  Tell(kIp, {"link", "delete", "br0"});

  EXPECT_THAT(Check(), IsRefused(102, "bridge br0 is absent"));
}

TEST_F(CheckTest, NamesAMasqueradeThatIsNotInForce) {
  Tell("/usr/sbin/nft", {"flush", "ruleset"});

  EXPECT_THAT(Check(), IsRefused(102, "masquerade"));
}

TEST_F(CheckTest, NamesAnAddressThatIsReservedForNobody) {
  std::filesystem::remove(reservations() / "10.9.0.2");

  EXPECT_THAT(Check(), IsRefused(102, "does not hold 10.9.0.2"));
}

TEST_F(CheckTest, OfAContainerThatWasNeverAddedSaysSo) {
  const Pod other = MakePod("c2");
  json::Value result = result_;
  EXPECT_THAT(PluginTest::Check(other, Conf(), result), IsRefused(102, "/run/netns/c1"));

  result["interfaces"][2]["sandbox"] = other.netns;
  EXPECT_THAT(PluginTest::Check(other, Conf(), result), IsRefused(102, "record"));
}

TEST_F(CheckTest, WantsThePreviousResult) {
  EXPECT_THAT(Run("CHECK", pod_, Conf()), IsRefused(7, "prevResult"));
}

TEST_F(CheckTest, IsNoVerbOfTheOldVersions) {
  json::Value conf = Conf();
  conf["cniVersion"] = "0.3.1";
  conf["prevResult"] = result_;

  EXPECT_THAT(Run("CHECK", pod_, conf), IsRefused(1, "does not allow"));
}

}  // namespace
}  // namespace trivet::cni
