// DEL: whatever is gone already, everything else goes, too.
#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

class DelTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
    result_ = Added(pod_, Conf());
  }
  [[nodiscard]] std::filesystem::path Record() const {
    return state() / "attachments/testnet@c1@eth0.json";
  }
  /// As an ADD of another network on the bridge leaves it before it makes anything, and a pod for
  /// it.
  Pod RecordOther(const json::Value& members = json::Value::object()) {
    json::Value record = *json::Parse(ReadFile(Record()).value());
    record["network"] = "othernet";
    record["containerID"] = "c2";
    record["hostInterface"] = "veth0other";
    record["complete"] = false;
    record.update(members);
    EXPECT_THAT(WriteFileVolatile(state() / "attachments/othernet@c2@eth0.json", record.dump()),
                testing::IsOk());
    return MakePod("c2");
  }
  void DelAndExpectNothingLeft(const json::Value& conf, const Variables& extra = {}) {
    EXPECT_THAT(Del(pod_, conf, extra), Succeeds());
    EXPECT_FALSE(HasLink("eth0", pod_));
    ExpectNothingLeft("after DEL");
  }

  Pod pod_;
  json::Value result_;
  const Variables without_netns_{{"CNI_NETNS", ""}};
};

TEST_F(DelTest, LeavesNothingAndAnswersNothing) {
  const Answer answer = Del(pod_, Conf());

  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.out, "");
  EXPECT_FALSE(HasLink("eth0", pod_));
  ExpectNothingLeft("after DEL");
}

TEST_F(DelTest, ASecondAndAThirdSucceed) {
  DelAndExpectNothingLeft(Conf());
  DelAndExpectNothingLeft(Conf());
  DelAndExpectNothingLeft(Conf(), without_netns_);
}

TEST_F(DelTest, ASecondLeavesAnAddressAloneThatIsSomebodyElsesMeanwhile) {
  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  const Pod next = MakePod("c2");
  const Answer added = Add(next, Conf(), {{"CNI_ARGS", "IP=10.9.0.2"}});
  ASSERT_THAT(added, Succeeds());
  ASSERT_EQ(AddressesOf(added.value).front(), AddressesOf(result_).front());

  json::Value conf = Conf();
  conf["prevResult"] = result_;
  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());

  EXPECT_THAT(Check(next, Conf(), added.value), Succeeds());
}

TEST_F(DelTest, APrevResultThatNobodyCanReadIsNoObstacle) {
  json::Value conf = Conf();
  for (const char* previous : {R"({"ips": [{"address": "10.9.0.2"}]})", R"("none")",
                               R"({"interfaces": [{"sandbox": "/run/netns/c1"}]})"}) {
    conf["prevResult"] = *json::Parse(previous);
    EXPECT_THAT(Run("CHECK", pod_, conf), IsRefused(7, "prevResult")) << previous;
    DelAndExpectNothingLeft(conf);
  }
}

TEST_F(DelTest, OfAContainerThatWasNeverAddedSucceedsAndTouchesNobodyElse) {
  EXPECT_THAT(Del({.id = "never", .netns = "/run/netns/never"}, Conf()), Succeeds());

  EXPECT_THAT(Check(pod_, Conf(), result_), Succeeds());
}

TEST_F(DelTest, NeedsNeitherNetnsNorPrevResult) {
  DelAndExpectNothingLeft(Conf(), without_netns_);
}

TEST_F(DelTest, SucceedsWhenTheNamespaceIsGone) {
  RemoveNetns(pod_);

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());

  ExpectNothingLeft("after DEL");
}

TEST_F(DelTest, FindsTheLinkWhenTheStateIsLost) {
  std::filesystem::remove_all(state());
  json::Value conf = Conf();
  conf["prevResult"] = result_;

  EXPECT_THAT(Del(pod_, conf, without_netns_), Succeeds());

  EXPECT_FALSE(HasLink("eth0", pod_));
  EXPECT_FALSE(HasLink(result_["interfaces"][1]["name"]));
  EXPECT_EQ(Ruleset(), "");
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});  // whose mark was lost with the state
}

TEST_F(DelTest, FindsAddressesByTheirReservationWhenTheRecordIsLost) {
  std::filesystem::remove(Record());

  DelAndExpectNothingLeft(Conf());
}

TEST_F(DelTest, ARecordThatWasCutShortIsNoObstacle) {
  std::filesystem::resize_file(Record(), 20);

  DelAndExpectNothingLeft(Conf());
}

TEST_F(DelTest, FreesAnAddressThatIsOutsideTheRangesOfToday) {
  json::Value conf = Conf();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.77.0.0/24"}}})};

  DelAndExpectNothingLeft(conf);
}

TEST_F(DelTest, ReleasesWhatWasMadeUnderAnotherConfiguration) {
  json::Value conf = Conf();
  conf["ipMasq"] = false;
  conf["ephemeralBridge"] = false;
  conf["bridge"] = "br7";

  DelAndExpectNothingLeft(conf);
}

TEST_F(DelTest, SucceedsWhenSomebodyHasTakenTheBridgeAndTheTableAway) {
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
  Tell("/usr/sbin/nft", {"flush", "ruleset"});

  DelAndExpectNothingLeft(Conf());
}

TEST_F(DelTest, TheBridgeAndTheMasqueradeGoWithTheLastPodAndNotBefore) {
  const Pod second = MakePod("c2");
  const json::Value second_result = Added(second, Conf());

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  EXPECT_THAT(Check(second, Conf(), second_result), Succeeds());
  EXPECT_TRUE(HasLink("br0"));
  EXPECT_THAT(Ruleset(), ::testing::Not(::testing::HasSubstr("10.9.0.2")));

  EXPECT_THAT(Del(second, Conf()), Succeeds());
  ExpectNothingLeft("after the last DEL");
}

TEST_F(DelTest, ABridgeThatTwoNetworksShareGoesWithTheLastOfBoth) {
  json::Value other = Conf();
  other["name"] = "othernet";
  other["forceAddress"] = false;
  const Pod second = MakePod("c2");
  other["isGateway"] = false;
  Added(second, other);

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  EXPECT_TRUE(HasLink("br0"));
  EXPECT_THAT(Del(second, other), Succeeds());

  ExpectNothingLeft("after the last DEL");
}

TEST_F(DelTest, ABridgeStaysForAnAddOfAnotherNetworkThatHasYetToConnectItsPod) {
  json::Value other = Conf();
  other["name"] = "othernet";
  const Pod second = RecordOther();

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  EXPECT_TRUE(HasLink("br0"));
  EXPECT_THAT(Del(second, other), Succeeds());

  ExpectNothingLeft("after the last DEL");
}

TEST_F(DelTest, ABridgeGoesThoughAnotherNetworkHadItBeforeAReboot) {
  RecordOther({{"bootID", "an earlier one"}});

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());

  EXPECT_FALSE(HasLink("br0"));
  std::filesystem::remove(state() / "attachments/othernet@c2@eth0.json");
}

// The gateway of VLAN 100, whose making wants a kernel that filters by VLAN.
TEST_F(DelTest, AVlanGatewayThatTwoNetworksShareGoesWithTheLastOfBoth) {
  Tell("/usr/sbin/ip",
       {"link", "add", "port100", "master", "br0", "type", "veth", "peer", "name", "br0.100"});
  const json::Value members{{"vlanGateway", "br0.100"}};
  json::Value record = *json::Parse(ReadFile(Record()).value());
  record.update(members);
  ASSERT_THAT(WriteFileVolatile(Record(), record.dump()), testing::IsOk());
  json::Value other = Conf();
  other["name"] = "othernet";
  const Pod second = RecordOther(members);

  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  EXPECT_TRUE(HasLink("br0.100"));
  EXPECT_THAT(Del(second, other), Succeeds());

  ExpectNothingLeft("after the last DEL");
}

TEST_F(DelTest, ABridgeThatIsNotEphemeralStaysAndServesTheNextPod) {
  EXPECT_THAT(Del(pod_, Conf()), Succeeds());
  json::Value conf = Conf();
  conf["ephemeralBridge"] = false;
  Added(pod_, conf);
  const std::string mac = Ip({"link", "show", "dev", "br0"})[0]["address"];

  EXPECT_THAT(Del(pod_, conf), Succeeds());

  EXPECT_EQ(Ip({"link", "show", "dev", "br0"})[0]["address"], mac);
  EXPECT_EQ(Ruleset(), "");
  Added(pod_, Conf());  // and the next configuration may take it away
}

}  // namespace
}  // namespace trivet::cni
