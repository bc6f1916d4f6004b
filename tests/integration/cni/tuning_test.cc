// Type "tuning", chained after a bridge: what the pod's network namespace has afterwards.
#include <sys/mount.h>

#include <fstream>

#include "tests/integration/cni/chain_test.h"

namespace trivet::cni {
namespace {

const json::Value kEverything{
    {"mac", "02:11:22:33:44:55"},
    {"mtu", 1400},
    {"promisc", true},
    {"allmulti", true},
    {"txQLen", 20},
    {"sysctl",
     {{"net.ipv4.conf.IFNAME.log_martians", "1"}, {"net.ipv4.ip_local_port_range", "2000 3000"}}}};

class TuningTest : public ChainTest {
 protected:
  void SetUp() override {
    ChainTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    pod_ = MakePod("c1");
    result_ = Added(pod_, Conf());
    before_ = LookAtPod();
  }
  [[nodiscard]] json::Value Tuned(const json::Value& members) const {
    return Chained("tuning", members, result_);
  }
  [[nodiscard]] std::string Sysctl(const std::string& path) const {
    return Tell("/usr/sbin/ip", {"netns", "exec", pod_.id, "cat", "/proc/sys/net/" + path});
  }
  [[nodiscard]] std::string LookAtPod() const {
    return Tell("/usr/sbin/ip", {"-n", pod_.id, "-o", "-d", "link"}) +
           Sysctl("ipv4/conf/eth0/log_martians") + Sysctl("ipv4/ip_local_port_range");
  }

  Pod pod_;
  json::Value result_;
  std::string before_;
};

TEST_F(TuningTest, ChangesTheInterfaceAndTheNamespaceAndDelRestoresThem) {
  const Answer answer = Run("ADD", pod_, Tuned(kEverything));
  ASSERT_THAT(answer, Succeeds());

  const json::Value link = FindEntry(Ip({"-d", "link"}, pod_), "ifname", "eth0");
  EXPECT_EQ(link["address"], "02:11:22:33:44:55");
  EXPECT_EQ(link["mtu"], 1400);
  EXPECT_EQ(link["txqlen"], 20);
  EXPECT_THAT(link["flags"], ::testing::Contains("PROMISC"));
  EXPECT_THAT(link["flags"], ::testing::Contains("ALLMULTI"));
  EXPECT_EQ(Sysctl("ipv4/conf/eth0/log_martians"), "1\n");
  EXPECT_EQ(Sysctl("ipv4/ip_local_port_range"), "2000\t3000\n");
  EXPECT_THAT(Check(pod_, Tuned(kEverything), answer.value), Succeeds());

  EXPECT_THAT(Run("DEL", pod_, Tuned(kEverything)), Succeeds());
  EXPECT_EQ(LookAtPod(), before_);
}

TEST_F(TuningTest, TellsTheNewMacOfTheContainersInterfaceAlone) {
  json::Value previous = result_;
  previous["interfaces"][0]["name"] = "eth0";  // the host's
  const json::Value conf = Chained("tuning", {{"mac", "02:11:22:33:44:55"}}, previous);

  const Answer answer = Run("ADD", pod_, conf);

  ASSERT_THAT(answer, Succeeds());
  EXPECT_EQ(answer.value["interfaces"][0], previous["interfaces"][0]);
  EXPECT_EQ(answer.value["interfaces"][2]["mac"], "02:11:22:33:44:55");
  EXPECT_EQ(answer.value["ips"], previous["ips"]);
  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());
}

TEST_F(TuningTest, TakesNullInPrevResultForAbsent) {
  json::Value previous = result_;
  previous["interfaces"][0]["name"] = "eth0";  // the host's
  previous["interfaces"][0]["sandbox"] = nullptr;
  const json::Value conf = Chained("tuning", {{"mac", "02:11:22:33:44:55"}}, previous);

  EXPECT_THAT(Run("ADD", pod_, conf), Succeeds());
  EXPECT_THAT(Run("DEL", pod_, conf), Succeeds());
}

TEST_F(TuningTest, LeavesNothingWhereItFails) {
  json::Value members = kEverything;
  members["mtu"] = 65535;  // a veth takes it; and a value that the kernel refuses:
  members["sysctl"]["net.ipv4.ip_local_port_range"] = "9 1";

  EXPECT_THAT(Run("ADD", pod_, Tuned(members)), IsRefused(100, "ip_local_port_range"));
  EXPECT_EQ(LookAtPod(), before_);

  members["sysctl"] = {{"net.ipv4.no_such_thing", "1"}};
  EXPECT_EQ(Run("ADD", pod_, Tuned(members)).exit_code, 1);
  EXPECT_EQ(LookAtPod(), before_);
}

TEST_F(TuningTest, CheckNamesWhatIsDifferent) {
  const Answer answer = Run("ADD", pod_, Tuned(kEverything));
  const auto differs = [&](const std::string& words) {
    EXPECT_THAT(Check(pod_, Tuned(kEverything), answer.value), IsRefused(102, words));
  };

  Tell("/usr/sbin/ip", {"-n", "c1", "link", "set", "eth0", "mtu", "1300"});
  differs("link eth0: mtu is 1300, not 1400");
  Tell("/usr/sbin/ip", {"-n", "c1", "link", "set", "eth0", "mtu", "1400", "promisc", "off"});
  differs("promisc is off, not on");
  Tell("/usr/sbin/ip",
       {"netns", "exec", "c1", "sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/eth0/log_martians"});
  differs("log_martians is '0', not '1'");

  EXPECT_THAT(Run("DEL", pod_, Tuned(kEverything)), Succeeds());
}

TEST_F(TuningTest, DelLeavesALaterNamespaceOfTheSamePathAlone) {
  EXPECT_THAT(Run("ADD", pod_, Tuned(kEverything)), Succeeds());
  RemoveNetns(pod_);
  EXPECT_THAT(Del(pod_, Conf(), {{"CNI_NETNS", ""}}), Succeeds());
  pod_ = MakePod("c1");
  const std::string range = Sysctl("ipv4/ip_local_port_range");
  Tell("/usr/sbin/ip", {"netns", "exec", "c1", "sh", "-c",
                        "echo 5000 6000 > /proc/sys/net/ipv4/ip_local_port_range"});

  EXPECT_THAT(Run("DEL", pod_, Tuned(kEverything)), Succeeds());

  EXPECT_EQ(Sysctl("ipv4/ip_local_port_range"), "5000\t6000\n");
  EXPECT_NE(range, "5000\t6000\n");
  ExpectNothingLeft("after DEL");
}

TEST_F(TuningTest, GcRestoresWhatIsNotValid) {
  EXPECT_THAT(Run("ADD", pod_, Tuned(kEverything)), Succeeds());

  EXPECT_THAT(Gc(Tuned(kEverything), {pod_}), Succeeds());
  EXPECT_NE(LookAtPod(), before_);
  EXPECT_THAT(Gc(Tuned(kEverything), {}), Succeeds());
  EXPECT_EQ(LookAtPod(), before_);
}

TEST_F(TuningTest, ObeysTheAllowList) {
  ASSERT_EQ(::mount("tmpfs", "/etc", "tmpfs", 0, nullptr), 0);
  std::filesystem::create_directories("/etc/cni/tuning");
  std::ofstream("/etc/cni/tuning/allowlist.conf") << "^net\\.ipv4\\.ip_local_port_range$\n";

  EXPECT_THAT(Run("ADD", pod_, Tuned(kEverything)), IsRefused(103, "log_martians is not allowed"));
  EXPECT_EQ(LookAtPod(), before_);
  const json::Value allowed{{"sysctl", {{"net.ipv4.ip_local_port_range", "2000 3000"}}}};
  EXPECT_THAT(Run("ADD", pod_, Tuned(allowed)), Succeeds());

  EXPECT_THAT(Run("DEL", pod_, Tuned(allowed)), Succeeds());
  EXPECT_EQ(LookAtPod(), before_);
  ::umount2("/etc", MNT_DETACH);
}

class TuningKillTest : public ChainTest {};

TEST_F(TuningKillTest, AnAddThatIsKilledAnywhereLeavesNothing) {
  RecoverFromEachKill("tuning", kEverything);
}

}  // namespace
}  // namespace trivet::cni
