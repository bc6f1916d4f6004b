// What stays true when something breaks: the agent, a manifest, the table.

#include <sys/mount.h>
#include <sys/socket.h>

#include "common/linux/file.h"
#include "tests/integration/netpolicy/policy_test.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

void Nft(const std::vector<std::string>& args) {
  const auto run = RunCommand({.program = "/usr/sbin/nft", .args = args});
  ASSERT_THAT(run, IsOk());
  ASSERT_EQ(run->exit_code, 0) << run->err;
}

// Names alone: a link's carrier is noted some time after the link came up.
std::vector<std::string> LinkNames() {
  const auto run = RunCommand({.program = "/usr/sbin/ip", .args = {"-json", "link"}});
  EXPECT_THAT(run, IsOk());
  std::vector<std::string> names;
  for (const json::Value& link : json::Parse(run->out).value_or(json::Value())) {
    names.push_back(link.at("ifname").get<std::string>());
  }
  return names;
}

/// A server that only the client may reach.
class Failure : public PolicyTest {
 protected:
  void SetUp() override {
    PolicyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    WritePolicy("only-client", kOnlyClient);
    StartAgent();
    server_ = AddPod("server");
    client_ = AddPod("client");
    stranger_ = AddPod("stranger");
    listener_ = Serve(server_, SOCK_STREAM, false, 80);
  }
  void ExpectPolicyInForce() {
    EXPECT_TRUE(Reaches(client_, server_.ipv4));
    EXPECT_TRUE(IsDropped(stranger_, server_.ipv4));
  }
  /// Files below a folder of the test.
  std::vector<std::string> FilesIn(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TestPod server_;
  TestPod client_;
  TestPod stranger_;
  UniqueFd listener_;
};

TEST_F(Failure, AKilledAgentLeavesItsRulesAndTheNextOneAdoptsThem) {
  const std::string table = Table();
  KillAgent();
  EXPECT_EQ(Table(), table);
  ExpectPolicyInForce();

  StartAgent();
  EXPECT_EQ(Table(), table);
  ExpectPolicyInForce();
  EXPECT_EQ(RunCni("DEL", client_).exit_code, 0);
  EXPECT_THAT(Table(), ::testing::Not(HasSubstr(client_.ipv4.ToString())));
}

TEST_F(Failure, AStoppedAgentLeavesItsRulesToo) {
  const std::string table = Table();
  StopAgent();
  EXPECT_EQ(Table(), table);
  EXPECT_FALSE(std::filesystem::exists(socket_));
  ExpectPolicyInForce();
}

TEST_F(Failure, AnAddWithoutTheAgentFailsAndLeavesNothing) {
  const auto reservations = FilesIn(root_ / "ipam");
  const auto records = FilesIn(root_ / "cni");
  const auto links = LinkNames();
  KillAgent();

  WritePodManifest("late");
  const TestPod late = MakePod("late");
  const CniOutcome outcome = RunCni("ADD", late);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.at("code"), 11);
  EXPECT_THAT(outcome.out.at("msg").get<std::string>(), HasSubstr("policy agent is away"));
  EXPECT_EQ(FilesIn(root_ / "ipam"), reservations);
  EXPECT_EQ(FilesIn(root_ / "cni"), records);
  EXPECT_EQ(LinkNames(), links);

  StartAgent();
  EXPECT_EQ(RunCni("ADD", late).exit_code, 0);
}

TEST_F(Failure, ADamagedManifestKeepsWhatItSaidBeforeAndIsNamed) {
  WriteManifest("only-client.yaml", "kind: NetworkPolicy\nspec: [\n");
  EXPECT_TRUE(Eventually([&] { return AgentLog().find("only-client.yaml") != std::string::npos; }));
  ExpectPolicyInForce();
  TestPod late = AddPod("late");
  EXPECT_TRUE(IsDropped(late, server_.ipv4));
  EXPECT_NE(RunCni("STATUS", late).exit_code, 0);

  WritePolicy("only-client", kOnlyClient);
  EXPECT_TRUE(Eventually([&] { return RunCni("STATUS", late).exit_code == 0; })) << AgentLog();
}

TEST_F(Failure, AManifestThatIsDamagedFromTheStartKeepsTheRulesAndRefusesPods) {
  const std::string table = Table();
  KillAgent();
  WriteManifest("only-client.yaml", "{");
  StartAgent();
  EXPECT_EQ(Table(), table);
  WritePodManifest("late");
  TestPod late = MakePod("late");
  const CniOutcome outcome = RunCni("ADD", late);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(json::Write(outcome.out), HasSubstr("only-client.yaml"));

  WritePolicy("only-client", kOnlyClient);
  Attach(late);
  ExpectPolicyInForce();
}

TEST_F(Failure, AnUnmountedManifestFolderKeepsThePoliciesAndRefusesPods) {
  StopAgent();
  std::filesystem::rename(manifests_, root_ / "disk");
  std::filesystem::create_directory(manifests_);
  const auto mount = [&] {
    return ::mount((root_ / "disk").c_str(), manifests_.c_str(), nullptr, MS_BIND, nullptr);
  };
  ASSERT_EQ(mount(), 0);
  StartAgent();
  WritePodManifest("late");
  TestPod late = MakePod("late");

  ASSERT_EQ(::umount2(manifests_.c_str(), MNT_DETACH), 0);
  const CniOutcome outcome = RunCni("ADD", late);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(json::Write(outcome.out), HasSubstr("another folder than before"));
  ExpectPolicyInForce();

  ASSERT_EQ(mount(), 0);
  Attach(late);
  ExpectPolicyInForce();
}

TEST_F(Failure, ARemovedTableIsRestored) {
  const std::string table = Table();
  Nft({"delete", "table", "inet", "trivet_policy"});
  EXPECT_TRUE(Eventually([&] { return Table() == table; })) << AgentLog();
  ExpectPolicyInForce();
}

TEST_F(Failure, AFlushedChainAndADeletedElementAreRestored) {
  const std::string table = Table();
  Nft({"flush", "chain", "inet", "trivet_policy", "forward"});
  EXPECT_TRUE(Eventually([&] { return Table() == table; })) << AgentLog();
  Nft({"delete", "element", "inet", "trivet_policy", "ingress4",
       "{ " + server_.ipv4.ToString() + " }"});
  EXPECT_TRUE(Eventually([&] { return Table() == table; })) << AgentLog();
  ExpectPolicyInForce();
}

TEST_F(Failure, FlushIsRefusedWhileTheAgentRunsAndLeavesNothingAfterwards) {
  const RunOutput refused = RunAgent({"--flush"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("another agent uses this state folder"));

  StopAgent();
  EXPECT_EQ(RunAgent({"--flush"}).exit_code, 0);
  EXPECT_EQ(Table(), "");
  EXPECT_EQ(FilesIn(state_), std::vector<std::string>{"lock"});
  EXPECT_EQ(RunAgent({"--flush"}).exit_code, 0) << "a second time";
}

TEST_F(Failure, ASecondAgentOnTheSameStateIsRefused) {
  const RunOutput second = RunAgent({"--socket", root_ / "other.sock"});
  EXPECT_NE(second.exit_code, 0);
  EXPECT_THAT(second.err, HasSubstr("another agent uses this state folder"));
  EXPECT_FALSE(std::filesystem::exists(root_ / "other.sock"));
}

TEST_F(Failure, AnAddressThatIsGivenAnewIsNotItsFormerPods) {
  ASSERT_EQ(RunCni("DEL", client_).exit_code, 0);
  EXPECT_THAT(Table(), ::testing::Not(HasSubstr(client_.ipv4.ToString())));
  EXPECT_EQ(RunCni("DEL", client_).exit_code, 0) << "a second time";
}

}  // namespace
}  // namespace trivet::netpolicy
