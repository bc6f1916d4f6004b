// What trivet-cni makes ahead in the network namespace of the next pod.
#include <fcntl.h>

#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "common/linux/command.h"
#include "tests/integration/cri/spare_fixture.h"
#include "tests/testing/unused_links.h"

namespace trivet::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kConfig = R"({{"cniVersion": "1.1.0", "name": "test", "plugins": [
    {{"type": "bridge", "bridge": "{1}", "isGateway": true, "ephemeralBridge": {2},
     "stateDir": "{0}", "ipam": {{"type": "host-local", "dataDir": "{0}/networks",
                                "ranges": [[{{"subnet": "{3}"}}]]}}}}]}})";

// Another version of trivet-cni: it answers ADD, and PREPARE in its own way.
constexpr const char* kOther = R"sh(#!/bin/sh
here="$(dirname "$0")"
[ "$CNI_COMMAND" = PREPARE ] && {{ touch "$here/asked"; {}; }}
[ "$CNI_COMMAND" = ADD ] && echo '{{"cniVersion": "1.0.0", "ips": [{{"address": "10.9.0.2/24"}}]}}'
exit 0
)sh";
constexpr const char* kOtherConfig =
    R"({"cniVersion": "1.0.0", "name": "test", "plugins": [{"type": "other"}]})";
constexpr const char* kScriptConfig =
    R"({"cniVersion": "1.0.0", "name": "test", "plugins": [{"type": "script"}]})";

class PreparedNetworkTest : public SpareTest {
 protected:
  // Without the plugin's processes, which wait for longer than the test; and then nothing is ahead.
  void TearDown() override {
    if (IsSkipped() || !daemon_) return;
    RemoveAllPods();
    EXPECT_EQ(daemon_->Stop(), 0);
    StartDaemon();
    SpareTest::TearDown();
  }

  /// As a package installs it, with a bridge that stays: a pair needs one that is there.
  void UseKeptBridge(const std::string& subnet = "10.9.0.0/24") {
    UseRealNetwork();
    std::filesystem::rename(folder_ / "bin/bridge", folder_ / "bin/trivet-cni");
    std::filesystem::create_symlink("trivet-cni", folder_ / "bin/bridge");
    Configure("test0", false, subnet);
    Ip({"link", "add", "test0", "type", "bridge"});
    RememberWhatIsThere();
  }
  void Configure(const char* bridge, bool ephemeral, const std::string& subnet) {
    const std::string state = folder_ / "bin/cni";
    folder_.Fill({{"cni/10.conflist", fmt::format(kConfig, state, bridge, ephemeral, subnet)}});
  }
  void UseOther(const char* prepare) {
    folder_.Fill(
        {{"bin/trivet-cni", fmt::format(kOther, prepare)}, {"cni/10.conflist", kOtherConfig}});
    std::filesystem::permissions(folder_ / "bin/trivet-cni", std::filesystem::perms(0755));
    std::filesystem::create_symlink("trivet-cni", folder_ / "bin/other");
  }

  static json::Value Ip(std::vector<std::string> args) {
    args.insert(args.begin(), "-json");
    const auto output = RunCommand({.program = "/usr/sbin/ip", .args = args, .environment = {}});
    EXPECT_TRUE(output && output->exit_code == 0) << (output ? output->err : "");
    return json::Parse(output ? output->out : "").value_or(json::Value::array());
  }
  static json::Value FindLink(const json::Value& index) {
    for (const json::Value& link : Ip({"-d", "link"})) {
      if (link["ifindex"] == index) return link;
    }
    return nullptr;
  }
  static bool IsUp(const json::Value& link) {
    return std::ranges::find(link["flags"], "UP") != link["flags"].end();
  }
  [[nodiscard]] std::vector<std::string> LinksAhead() const {
    const std::set<std::string> names = FindUnusedLinksIntoNetworksOf(daemon_->pid());
    return {names.begin(), names.end()};
  }
  /// The host end that is made ahead, when the daemon has it.
  json::Value AwaitLink() {
    std::vector<std::string> names;
    EXPECT_TRUE(Eventually([&] { return (names = LinksAhead()).size() == 1; }));
    if (names.size() != 1) return nullptr;
    spare_ = AwaitSpare();
    return Ip({"-d", "link", "show", "dev", names.front()})[0];
  }
  [[nodiscard]] bool IsGone(const json::Value& link) const {
    return Eventually([&] { return FindLink(link["ifindex"]).is_null(); });
  }
  /// The network of the next pod, which the daemon holds.
  [[nodiscard]] UniqueFd OpenNetworkAhead() const {
    for (const auto& entry :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", daemon_->pid()))) {
      std::error_code gone;
      const std::string target = std::filesystem::read_symlink(entry.path(), gone);
      if (target.starts_with("net:"))
        return UniqueFd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    }
    return {};
  }
  [[nodiscard]] std::string InterfacesAhead() const {
    const UniqueFd network = OpenNetworkAhead();
    EXPECT_TRUE(network.valid());
    const std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), network.get());
    const auto output = RunCommand({.program = "/usr/bin/nsenter",
                                    .args = {"--net=" + path, "cat", "/proc/self/net/dev"},
                                    .environment = {}});
    return output ? output->out : "";
  }
  void ExpectWorks(const std::string& pod, const std::string& gateway) {
    const std::string id = MustStartSleeper(pod);
    EXPECT_EQ(MustExec(id, "ping -c 1 -W 5 " + gateway + " >&2; echo $?"), "0");
  }

  SpareSandbox spare_;
};

TEST_F(PreparedNetworkTest, IsThePairOfTheNextPod) {
  UseKeptBridge();
  const std::string first = MustRunPod("first");
  const json::Value link = AwaitLink();
  EXPECT_FALSE(IsUp(link));
  EXPECT_EQ(link["master"], "test0");
  EXPECT_FALSE(link.contains("ifalias"));
  EXPECT_THAT(InterfacesAhead(), HasSubstr("eth0:"));

  const std::string pod = MustRunPod("second");
  EXPECT_EQ(pod, spare_.id);
  const json::Value port = FindLink(link["ifindex"]);
  EXPECT_EQ(port["ifname"], link["ifname"]);
  EXPECT_TRUE(IsUp(port));
  EXPECT_THAT(port.value("ifalias", ""), HasSubstr(pod));
  const std::string id = MustStartSleeper(pod);
  EXPECT_EQ(MustExec(id, "cat /sys/class/net/eth0/ifindex"), link["link_index"].dump());
  EXPECT_THAT(MustExec(id, "ip addr show eth0"),
              HasSubstr("inet " + PodStatusOf(pod).network().ip() + "/24"));
  ExpectWorks(first, PodStatusOf(pod).network().ip());
}

TEST_F(PreparedNetworkTest, IsAnotherOneForEachPodAndGoesWithIt) {
  UseKeptBridge();
  std::string pod = MustRunPod("0");
  for (int i = 1; i < 4; ++i) {
    const json::Value link = AwaitLink();
    pod = MustRunPod(std::to_string(i));
    EXPECT_EQ(pod, spare_.id);
    EXPECT_TRUE(IsUp(FindLink(link["ifindex"])));
    EXPECT_THAT(RemovePod(pod), IsRpcOk());
    EXPECT_TRUE(FindLink(link["ifindex"]).is_null());
  }
}

TEST_F(PreparedNetworkTest, EndsWithADaemonThatIsKilled) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  daemon_->Kill();
  EXPECT_TRUE(IsGone(link));
  StartDaemon();
  EXPECT_THAT(LinksAhead(), IsEmpty());
  ExpectWorks(MustRunPod("second"), "10.9.0.1");
}

TEST_F(PreparedNetworkTest, EndsWithADaemonThatStops) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_TRUE(IsGone(link));
  StartDaemon();
}

TEST_F(PreparedNetworkTest, EndsTenSecondsAfterTheLastPod) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  std::this_thread::sleep_for(std::chrono::seconds(8));
  EXPECT_FALSE(FindLink(link["ifindex"]).is_null());
  EXPECT_TRUE(IsGone(link));
  EXPECT_THAT(LinksAhead(), IsEmpty());
  ExpectWorks(MustRunPod("second"), "10.9.0.1");
}

TEST_F(PreparedNetworkTest, IsNotForAPodOfAnotherConfiguration) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  Configure("test1", true, "10.8.0.0/24");
  const std::string pod = MustRunPod("second");
  EXPECT_NE(pod, spare_.id);
  EXPECT_TRUE(IsGone(link));
  EXPECT_FALSE(Runs(spare_.shim));
  EXPECT_THAT(PodStatusOf(pod).network().ip(), StartsWith("10.8.0."));
  ExpectWorks(pod, "10.8.0.1");

  const SpareSandbox spare =
      AwaitSpare();  // of a bridge that goes with its last port: without a pair
  EXPECT_THAT(LinksAhead(), IsEmpty());
  const std::string third = MustRunPod("third");
  EXPECT_EQ(third, spare.id);
  ExpectWorks(third, "10.8.0.1");
}

TEST_F(PreparedNetworkTest, IsNotForAPodOfAnotherFileOfThePlugin) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  std::filesystem::copy_file(folder_ / "bin/trivet-cni", folder_ / "bin/new");  // as a package does
  std::filesystem::rename(folder_ / "bin/new", folder_ / "bin/trivet-cni");
  const std::string pod = MustRunPod("second");
  EXPECT_NE(pod, spare_.id);
  EXPECT_TRUE(IsGone(link));
  ExpectWorks(pod, "10.9.0.1");
}

TEST_F(PreparedNetworkTest, IsNotFoundByAnotherPlugin) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  folder_.Fill({{"cni/10.conflist", kScriptConfig}});
  const std::string pod = MustRunPod("second");
  EXPECT_NE(pod, spare_.id);
  EXPECT_EQ(MustExec(MustStartSleeper(pod), "ls /sys/class/net"), "lo");
  EXPECT_TRUE(IsGone(link));

  AwaitSpare();
  EXPECT_THAT(InterfacesAhead(), Not(HasSubstr("eth0")));
  EXPECT_THAT(CniCalls(), Not(HasSubstr("PREPARE")));
}

TEST_F(PreparedNetworkTest, GoesWithAPodWhoseAddFails) {
  UseKeptBridge("10.9.0.0/30");
  const std::string first = MustRunPod("first");
  const json::Value link = AwaitLink();
  std::string id;
  EXPECT_THAT(RunPod(PodConfig("second"), &id),
              RpcFailsWith(grpc::UNAVAILABLE, "no address is left"));
  EXPECT_TRUE(IsGone(link));
  EXPECT_THAT(RemovePod(first), IsRpcOk());
  ExpectWorks(MustRunPod("second"), "10.9.0.1");
}

TEST_F(PreparedNetworkTest, IsLeftByAPodThatIsRefused) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  std::filesystem::rename(folder_ / "cni/10.conflist", folder_ / "cni/10.none");
  std::string id;
  EXPECT_THAT(RunPod(PodConfig("second"), &id), RpcFailsWith(grpc::NOT_FOUND, "no network"));
  std::filesystem::rename(folder_ / "cni/10.none", folder_ / "cni/10.conflist");
  EXPECT_EQ(MustRunPod("second"), spare_.id);
  EXPECT_TRUE(IsUp(FindLink(link["ifindex"])));
}

TEST_F(PreparedNetworkTest, IsMadeByThePodWhereSomebodyHasDeletedIt) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  Ip({"link", "delete", link["ifname"]});
  const std::string pod = MustRunPod("second");
  EXPECT_EQ(pod, spare_.id);
  ExpectWorks(pod, "10.9.0.1");
}

TEST_F(PreparedNetworkTest, IsNothingWithAnEarlierVersionOfThePlugin) {
  UseOther("exit 1");
  MustRunPod("first");
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(folder_ / "bin/asked"); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until it has answered
  const SpareSandbox spare = AwaitSpare();
  EXPECT_EQ(MustRunPod("second"), spare.id);
}

TEST_F(PreparedNetworkTest, HoldsUpNothingWhereThePluginHangs) {
  UseOther("exec sleep 1000");
  MustRunPod("first");
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(folder_ / "bin/asked"); }));
  const auto begin = std::chrono::steady_clock::now();
  MustRunPod("second");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));  // until it is killed
  const SpareSandbox spare = AwaitSpare();
  EXPECT_EQ(MustRunPod("third"), spare.id);

  std::filesystem::remove(folder_ / "bin/asked");
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(folder_ / "bin/asked"); }));
  const auto stop = std::chrono::steady_clock::now();
  EXPECT_EQ(daemon_->Stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - stop, std::chrono::seconds(5));
  StartDaemon();
}

// The leak check leaves out the one that a daemon holds, and no other.
TEST_F(PreparedNetworkTest, IsALeakWhenNoDaemonHoldsIt) {
  UseKeptBridge();
  MustRunPod("first");
  const json::Value link = AwaitLink();
  const std::string interface = "interface " + link.value("ifname", "");
  EXPECT_THAT(Leaks(), Not(Contains(interface)));
  UniqueFd held = OpenNetworkAhead();
  EXPECT_EQ(daemon_->Stop(), 0);
  StartDaemon();
  EXPECT_THAT(Leaks(), Contains(interface));
  held.reset();
  EXPECT_TRUE(IsGone(link));
}

}  // namespace
}  // namespace trivet::testing
