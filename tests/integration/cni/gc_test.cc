// GC frees what no valid attachment holds; STATUS says whether an ADD would work.
#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GcTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* id : {"kept", "stale", "old"}) {
      pods_.push_back(MakePod(id));
      results_.push_back(Added(pods_.back(), Conf()));
    }
  }
  const Pod& kept() { return pods_[0]; }
  [[nodiscard]] std::filesystem::path Record(const std::string& id) const {
    return state() / "attachments" / fmt::format("testnet@{}@eth0.json", id);
  }
  void ExpectOnlyKeptIsThere() {
    EXPECT_THAT(Check(kept(), Conf(), results_[0]), Succeeds());
    for (const size_t i : {1U, 2U}) {
      EXPECT_FALSE(HasLink("eth0", pods_[i]));
      EXPECT_FALSE(HasLink(results_[i]["interfaces"][1]["name"]));
      EXPECT_FALSE(std::filesystem::exists(Record(pods_[i].id)));
      const std::string address = AddressesOf(results_[i]).front();
      const std::string bare = address.substr(0, address.find('/'));
      EXPECT_FALSE(std::filesystem::exists(reservations() / bare));
      EXPECT_THAT(Ruleset(), Not(HasSubstr(bare)));
    }
  }

  std::vector<Pod> pods_;
  std::vector<json::Value> results_;
};

TEST_F(GcTest, FreesLinksAddressesAndMasqueradeOfWhatIsNotValid) {
  const Answer answer = Gc(Conf(), {kept()});

  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.out, "");
  ExpectOnlyKeptIsThere();
}

TEST_F(GcTest, FreesWhatHasLostItsRecord) {
  std::filesystem::remove(Record("stale"));
  std::ofstream(Record("old"), std::ios::trunc) << "{\"version\": 1, ";

  EXPECT_THAT(Gc(Conf(), {kept()}), Succeeds());

  ExpectOnlyKeptIsThere();
}

TEST_F(GcTest, FreesWhatHasLostItsNamespaceAndItsReservation) {
  RemoveNetns(pods_[1]);
  std::filesystem::remove(reservations() / "10.9.0.3");
  pods_[1] = MakePod("stale");

  EXPECT_THAT(Gc(Conf(), {kept()}), Succeeds());

  ExpectOnlyKeptIsThere();
}

TEST_F(GcTest, WithNothingValidFreesEverything) {
  EXPECT_THAT(Gc(Conf(), {}), Succeeds());

  ExpectNothingLeft("after GC");
  EXPECT_THAT(Gc(Conf(), {}), Succeeds());
}

TEST_F(GcTest, FreesTheMasqueradeAndTheBridgeEvenWhenAllRecordsAreLost) {
  std::filesystem::remove_all(state() / "attachments");

  EXPECT_THAT(Gc(Conf(), {}), Succeeds());

  ExpectNothingLeft("after GC");
}

TEST_F(GcTest, TouchesNoOtherNetwork) {
  json::Value other = Conf();
  other["name"] = "othernet";
  other["bridge"] = "br1";
  other["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.10.0.0/24"}}})};
  other["ipam"].erase("routes");
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, other);

  EXPECT_THAT(Gc(Conf(), {}), Succeeds());

  EXPECT_THAT(Check(pod, other, result), Succeeds());
}

// The name that the specification's text had first, and runtimes still send.
TEST_F(GcTest, KnowsTheListOfTheValidByItsOtherName) {
  json::Value conf = Conf();
  for (const Pod& pod : pods_) {
    conf["cni.dev/attachments"].push_back({{"containerID", pod.id}, {"ifname", "eth0"}});
  }

  EXPECT_THAT(Run("GC", {}, conf, {{"CNI_CONTAINERID", ""}, {"CNI_NETNS", ""}, {"CNI_IFNAME", ""}}),
              Succeeds());

  for (size_t i = 0; i < pods_.size(); ++i) {
    EXPECT_THAT(Check(pods_[i], Conf(), results_[i]), Succeeds());
  }
}

TEST_F(GcTest, KeepsAllOfWhatIsValid) {
  EXPECT_THAT(Gc(Conf(), pods_), Succeeds());

  for (size_t i = 0; i < pods_.size(); ++i) {
    EXPECT_THAT(Check(pods_[i], Conf(), results_[i]), Succeeds());
  }
}

class StatusTest : public PluginTest {};

TEST_F(StatusTest, IsReadyBeforeTheFirstPodAndWithPods) {
  EXPECT_THAT(Status(Conf()), Succeeds());
  Added(MakePod("c1"), Conf());
  EXPECT_THAT(Status(Conf()), Succeeds());
}

TEST_F(StatusTest, SaysThatThePoolIsExhausted) {
  json::Value conf = Conf();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.0/30"}}})};
  conf["ipam"].erase("routes");
  const Pod pod = MakePod("c1");
  Added(pod, conf);

  EXPECT_THAT(Status(conf), IsRefused(50, "no address is left in 10.9.0.1-10.9.0.2"));
  EXPECT_THAT(Add(MakePod("c2"), conf), IsRefused(11, "no address is left"));

  EXPECT_THAT(Del(pod, conf), Succeeds());
  EXPECT_THAT(Status(conf), Succeeds());
}

// Else no ADD would come that frees them.
TEST_F(StatusTest, CountsNoAddressesOfBeforeAReboot) {
  json::Value conf = Conf();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.0/30"}}})};
  conf["ipam"].erase("routes");
  Added(MakePod("c1"), conf);
  const std::filesystem::path record = state() / "attachments/testnet@c1@eth0.json";
  json::Value before = json::Parse(ReadFile(record).value_or("")).value_or(json::Value());
  ASSERT_TRUE(before.is_object());
  before["bootID"] = "an earlier one";
  ASSERT_TRUE(WriteFileVolatile(record, before.dump()));
  ASSERT_TRUE(WriteFileVolatile(state() / "boot_id", "an earlier one"));

  EXPECT_THAT(Status(conf), Succeeds());

  Tell("/usr/sbin/ip", {"link", "delete", before.value("hostInterface", "")});
  Added(MakePod("c2"), conf);
}

TEST_F(StatusTest, SaysThatTheBridgesNameIsTaken) {
  Tell("/usr/sbin/ip", {"link", "add", "br0", "type", "veth", "peer", "name", "x"});

  EXPECT_THAT(Status(Conf()), IsRefused(50, "no bridge"));
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
}

TEST_F(StatusTest, SaysThatPodsAreCutOff) {
  const Pod pod = MakePod("c1");
  Added(pod, Conf());

  Tell("/usr/sbin/ip", {"link", "set", "br0", "down"});
  EXPECT_THAT(Status(Conf()), IsRefused(51, "br0 is down"));
  Tell("/usr/sbin/ip", {"link", "delete", "br0"});
  EXPECT_THAT(Status(Conf()), IsRefused(51, "br0 is absent"));

  EXPECT_THAT(Del(pod, Conf()), Succeeds());
  EXPECT_THAT(Status(Conf()), Succeeds());
}

TEST_F(StatusTest, SaysThatTheAgentIsAwayWhenItIsRequired) {
  json::Value conf = Conf();
  conf["policy"] = {{"socket", "/run/nobody.sock"}};
  EXPECT_THAT(Status(conf), IsRefused(50, "policy agent is away"));

  conf["policy"]["required"] = false;
  EXPECT_THAT(Status(conf), Succeeds());
}

TEST_F(StatusTest, AndGcAreNoVerbsOfTheOldVersions) {
  json::Value conf = Conf();
  conf["cniVersion"] = "1.0.0";

  EXPECT_THAT(Status(conf), IsRefused(1, "does not allow"));
  EXPECT_THAT(Gc(conf, {}), IsRefused(1, "does not allow"));
}

}  // namespace
}  // namespace trivet::cni
