// The policy agent is asked inside ADD, before the pod's first packet.
#include <atomic>

#include "tests/integration/cni/fake_agent.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using policy::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSocket = "/run/agent.sock";

class PolicyTest : public PluginTest {
 protected:
  static json::Value WithPolicy(json::Value conf, bool required = true) {
    conf["policy"] = {{"socket", kSocket}, {"required", required}};
    return conf;
  }
  static policy::Answer Refuse(const policy::Request& request) {
    if (request.verb != Verb::kAdd) return {};
    return {.code = static_cast<int32_t>(Code::kUnavailable), .message = "not in sync yet"};
  }
};

TEST_F(PolicyTest, AddTellsTheAgentWhichPodHasWhichAddressesBeforeThereIsALink) {
  const Pod pod = MakePod("c1");
  std::atomic<bool> had_link = true;
  const FakeAgent agent(kSocket, [&](const policy::Request& request) {
    if (request.verb == Verb::kAdd) had_link = HasLink("eth0", pod);
    return policy::Answer{};
  });

  const Answer answer =
      Add(pod, WithPolicy(Conf()),
          {{"CNI_ARGS", "K8S_POD_NAMESPACE=web;K8S_POD_NAME=server;K8S_POD_UID=u-1"}});

  ASSERT_THAT(answer, Succeeds());
  EXPECT_FALSE(had_link);
  ASSERT_THAT(agent.Verbs(), ElementsAre(Verb::kAdd));
  const policy::Request request = agent.Requests().front();
  EXPECT_EQ(request.attachment.network, "testnet");
  EXPECT_EQ(request.attachment.container_id, "c1");
  EXPECT_EQ(request.attachment.ifname, "eth0");
  EXPECT_EQ(request.pod_namespace, "web");
  EXPECT_EQ(request.pod_name, "server");
  EXPECT_EQ(request.pod_uid, "u-1");
  EXPECT_THAT(request.addresses, ElementsAre("10.9.0.2", "fd09::2"));
  EXPECT_THAT(Del(pod, WithPolicy(Conf())), Succeeds());
}

TEST_F(PolicyTest, BridgedPacketsPassTheForwardHookOfThisBridgeAlone) {
  const FakeAgent agent(kSocket);
  const Pod pod = MakePod("c1");
  Added(pod, WithPolicy(Conf()));

  const json::Value bridge = Ip({"-d", "link", "show", "dev", "br0"})[0]["linkinfo"]["info_data"];
  EXPECT_EQ(bridge["nf_call_iptables"], 1);
  EXPECT_EQ(bridge["nf_call_ip6tables"], 1);
  EXPECT_THAT(Del(pod, WithPolicy(Conf())), Succeeds());
}

TEST_F(PolicyTest, ARefusalFailsTheAddWithTheAgentsWordsAndLeavesNothing) {
  const FakeAgent agent(kSocket, Refuse);

  EXPECT_THAT(Add(MakePod("c1"), WithPolicy(Conf())), IsRefused(11, "not in sync yet"));

  EXPECT_THAT(agent.Verbs(), ElementsAre(Verb::kAdd, Verb::kDelete));
  ExpectNothingLeft("after the refusal");
}

TEST_F(PolicyTest, ARequiredAgentThatIsAwayIsAFailureToTryAgain) {
  EXPECT_THAT(Add(MakePod("c1"), WithPolicy(Conf())), IsRefused(11, "policy agent is away"));

  ExpectNothingLeft("after the failure");
}

TEST_F(PolicyTest, AnAgentThatIsNotRequiredMayBeAwayButIsNotOverruled) {
  const json::Value conf = WithPolicy(Conf(), false);
  const Pod pod = MakePod("c1");

  const Answer answer = Add(pod, conf);
  EXPECT_THAT(answer, Succeeds());
  EXPECT_THAT(answer.err, HasSubstr("policy agent is away"));
  EXPECT_THAT(Check(pod, conf, answer.value), Succeeds());
  EXPECT_THAT(Del(pod, conf), Succeeds());

  const FakeAgent agent(kSocket, [](const policy::Request& request) {
    policy::Answer refusal{.code = static_cast<int32_t>(Code::kInvalidArgument)};
    return request.verb == Verb::kAdd ? refusal : policy::Answer{};
  });
  EXPECT_FALSE(Add(pod, conf).ok());
  ExpectNothingLeft("after the refusal");
}

TEST_F(PolicyTest, DelTellsTheAgentAndDoesNotHangOnOneThatIsAway) {
  const Pod pod = MakePod("c1");
  const json::Value conf = WithPolicy(Conf());
  {
    const FakeAgent agent(kSocket);
    Added(pod, conf);
    EXPECT_THAT(Del(pod, conf), Succeeds());
    EXPECT_THAT(agent.Verbs(), ElementsAre(Verb::kAdd, Verb::kDelete));
    Added(pod, conf);
  }

  const Answer answer = Del(pod, conf);

  EXPECT_THAT(answer, Succeeds());
  EXPECT_THAT(answer.err, HasSubstr("policy agent is away"));
  ExpectNothingLeft("after DEL");
}

TEST_F(PolicyTest, CheckNoticesAPodWhoseSendersAreNotChecked) {
  const FakeAgent agent(kSocket);
  const json::Value conf = WithPolicy(Conf());
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, conf);
  EXPECT_THAT(Check(pod, conf, result), Succeeds());

  Tell("/usr/sbin/nft", {"flush", "set", "bridge", "trivet_senders", "bound"});

  EXPECT_THAT(Check(pod, conf, result), IsRefused(102, "set bound of table trivet_senders"));
  EXPECT_THAT(Del(pod, conf), Succeeds());
}

TEST_F(PolicyTest, GcForgetsTheSendersOfPodsThatLeftNothingElse) {
  const FakeAgent agent(kSocket);
  const json::Value conf = WithPolicy(Conf());
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, conf);
  const Pod lost = MakePod("c2");
  const std::string port = Added(lost, conf)["interfaces"][1]["name"];
  std::filesystem::remove(state() / "attachments/testnet@c2@eth0.json");
  Tell("/usr/sbin/ip", {"link", "delete", port});
  EXPECT_THAT(Ruleset(), HasSubstr(port));

  EXPECT_THAT(Gc(conf, {pod}), Succeeds());

  EXPECT_THAT(Ruleset(), Not(HasSubstr(port)));
  EXPECT_THAT(Check(pod, conf, result), Succeeds());
  EXPECT_THAT(Del(pod, conf), Succeeds());
}

class RouterPolicyTest : public PolicyTest, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] json::Value RouterConf() const {
    json::Value conf = WithPolicy(Conf());
    conf["type"] = "ptp";
    conf["mode"] = GetParam();
    conf["ipam"].erase("routes");
    for (const char* key : {"bridge", "isGateway", "ephemeralBridge"}) conf.erase(key);
    return conf;
  }
  static bool HasDropped(const std::string& senders) {
    const std::string chain =
        Tell("/usr/sbin/nft", {"list", "chain", "inet", "trivet_senders", "senders"});
    const size_t at = chain.find("@" + senders + " counter packets ");
    EXPECT_NE(at, std::string::npos) << chain;
    return chain.find(" packets 0 ", at) != chain.find(" packets ", at);
  }
  // Packets out of the pod with that sender, until one was dropped.
  static bool IsDroppedFrom(const Pod& pod, const std::string& source, const std::string& to,
                            const std::string& senders) {
    Tell("/usr/sbin/ip", {"-n", pod.id, "address", "add", source, "dev", "lo", "nodad"});
    for (int attempt = 0; attempt < 50 && !HasDropped(senders); ++attempt) {
      (void)RunCommand({.program = "/usr/sbin/ip",
                        .args = {"netns", "exec", pod.id, "/bin/ping", "-c", "1", "-W", "0.1", "-I",
                                 source, to}});
    }
    return HasDropped(senders);
  }
};

TEST_P(RouterPolicyTest, APodSendsFromItsOwnAddressesOnly) {
  const FakeAgent agent(kSocket);
  const Pod pod = MakePod("c1");
  const Pod other = MakePod("c2");
  const json::Value result = Added(pod, RouterConf());
  Added(other, RouterConf());
  EXPECT_TRUE(Reaches(pod, "10.9.0.3"));
  EXPECT_TRUE(Reaches(pod, "fd09::3"));
  EXPECT_THAT(Check(pod, RouterConf(), result), Succeeds());
  EXPECT_FALSE(HasDropped("senders_v4") || HasDropped("senders_v6"));

  EXPECT_TRUE(IsDroppedFrom(pod, "10.9.0.77", "10.9.0.3", "senders_v4"));
  EXPECT_TRUE(IsDroppedFrom(pod, "fd09::77", "fd09::3", "senders_v6"));

  EXPECT_THAT(Del(pod, RouterConf()), Succeeds());
  EXPECT_THAT(Del(other, RouterConf()), Succeeds());
  EXPECT_THAT(Ruleset(), Not(HasSubstr("trivet_senders")));
}

INSTANTIATE_TEST_SUITE_P(Modes, RouterPolicyTest, ::testing::Values("subnet", "routed"),
                         [](const auto& row) { return std::string(row.param); });

TEST_F(PolicyTest, CheckGcAndStatusAskTheAgent) {
  const FakeAgent agent(kSocket, [](const policy::Request& request) {
    policy::Answer wrong{.code = static_cast<int32_t>(Code::kFailedPrecondition),
                         .message = "not in the kernel"};
    return request.verb == Verb::kCheck ? wrong : policy::Answer{};
  });
  const json::Value conf = WithPolicy(Conf());
  const Pod pod = MakePod("c1");
  const json::Value result = Added(pod, conf);

  EXPECT_THAT(Check(pod, conf, result), IsRefused(102, "not in the kernel"));
  EXPECT_THAT(Status(conf), Succeeds());
  EXPECT_THAT(Gc(conf, {pod}), Succeeds());

  EXPECT_THAT(agent.Verbs(), ElementsAre(Verb::kAdd, Verb::kCheck, Verb::kStatus, Verb::kGc));
  const policy::Request gc = agent.Requests().back();
  EXPECT_EQ(gc.attachment.network, "testnet");
  ASSERT_EQ(gc.valid_attachments.size(), 1U);
  EXPECT_EQ(gc.valid_attachments[0].container_id, "c1");
  EXPECT_THAT(Del(pod, conf), Succeeds());
}

}  // namespace
}  // namespace trivet::cni
