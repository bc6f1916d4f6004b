// The policy agent is asked inside ADD, before the pod's first packet.
#include "tests/integration/cni/fake_agent.h"
#include "tests/integration/cni/plugin_test.h"

namespace trivet::cni {
namespace {

using policy::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  bool had_link = true;
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
