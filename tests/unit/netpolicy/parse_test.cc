#include "netpolicy/model/parse.h"

#include "common/manifest/manifest.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using testing::IsOk;

json::Value ObjectOf(const std::string& yaml) {
  const auto documents = manifest::Parse(yaml, "test");
  EXPECT_THAT(documents, IsOk());
  return documents && !documents->empty() ? documents->front().object : json::Value();
}

Result<NetworkPolicy> ParseSpec(const std::string& spec) {
  return ParseNetworkPolicy(ObjectOf(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: " + spec));
}

TEST(ParseNetworkPolicy, ReadsEveryField) {
  const auto policy = ParseSpec(R"({
    podSelector: {matchLabels: {app: a}, matchExpressions: [{key: t, operator: In, values: [y, x]}]},
    policyTypes: [Egress],
    egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {namespaceSelector: {}}],
              ports: [{port: 80, endPort: 90}, {protocol: UDP, port: dns}, {protocol: SCTP}]}]})");
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->name, ObjectName("default", "p"));
  EXPECT_FALSE(policy->isolates_ingress);
  EXPECT_TRUE(policy->isolates_egress);
  EXPECT_EQ(policy->pods.match_expressions.at(0).values, (std::vector<std::string>{"x", "y"}));
  const PolicyRule& rule = policy->egress.at(0);
  EXPECT_EQ(rule.peers.at(0).block->except.at(0), *Range::ParseCidr("10.1.0.0/16"));
  EXPECT_TRUE(rule.peers.at(1).namespaces.has_value());
  EXPECT_EQ(rule.ports.at(0).last, 90);
  EXPECT_EQ(rule.ports.at(1).name, "dns");
  EXPECT_EQ(rule.ports.at(2).first, 0);
  EXPECT_EQ(rule.ports.at(2).last, UINT16_MAX);
}

TEST(ParseNetworkPolicy, IsolatesIngressAlwaysAndEgressByItsRulesWhenTypesAreAbsent) {
  const auto plain = ParseSpec("{podSelector: {}}");
  const auto with_egress = ParseSpec("{podSelector: {}, egress: [{}]}");
  ASSERT_THAT(plain, IsOk());
  ASSERT_THAT(with_egress, IsOk());
  EXPECT_TRUE(plain->isolates_ingress);
  EXPECT_FALSE(plain->isolates_egress);
  EXPECT_TRUE(with_egress->isolates_ingress);
  EXPECT_TRUE(with_egress->isolates_egress);
}

TEST(ParseNetworkPolicy, TakesAnEmptyNamespaceForTheDefaultOne) {
  const auto documents = manifest::Parse(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: ''}\n"
      "spec: {podSelector: {}}",
      "test");
  ASSERT_THAT(documents, IsOk());
  const auto policy = ParseNetworkPolicy(documents->front().object);
  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->name, ObjectName("default", "p"));
}

struct Bad {
  const char* name;
  const char* spec;
  const char* says;
};

class BadPolicy : public ::testing::TestWithParam<Bad> {};

TEST_P(BadPolicy, IsRefusedWithTheFieldsName) {
  EXPECT_THAT(ParseSpec(GetParam().spec), FailsWith(Code::kInvalidArgument, GetParam().says));
}

std::vector<Bad> BadPeers() {
  return {
      {"SelectorIsAList", "{podSelector: []}", "spec: podSelector: not an object"},
      {"LabelIsANumber", "{podSelector: {matchLabels: {a: 1}}}",
       "matchLabels: a: unexpected 1, want a string"},
      {"LabelHasASpace", "{podSelector: {matchLabels: {a: 'b c'}}}", "'b c' has a character"},
      {"ExpressionWithoutKey", "{podSelector: {matchExpressions: [{operator: Exists}]}}",
       "matchExpressions[0]: key: missing"},
      {"UnknownOperator", "{podSelector: {matchExpressions: [{key: a, operator: Gt}]}}",
       "operator: 'Gt' is not In, NotIn, Exists or DoesNotExist"},
      {"InWithoutValues", "{podSelector: {matchExpressions: [{key: a, operator: In}]}}",
       "values: missing for operator In"},
      {"ExistsWithValues",
       "{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}",
       "values: not allowed for operator Exists"},
      {"EmptyPeer", "{podSelector: {}, ingress: [{from: [{}]}]}",
       "ingress[0]: from[0]: podSelector, namespaceSelector or ipBlock: missing"},
      {"BlockAndSelector",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}",
       "from[0]: ipBlock: not together with a selector"},
      {"PeersAreAnObject", "{podSelector: {}, ingress: [{from: {}}]}", "from: not a list"},
      {"PeerIsAText", "{podSelector: {}, egress: [{to: [x]}]}", "to[0]: not an object"},
      {"BlockWithoutCidr", "{podSelector: {}, ingress: [{from: [{ipBlock: {}}]}]}",
       "ipBlock: cidr: missing"},
      {"CidrWithoutPrefix", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}",
       "cidr: '10.0.0.1' is not a CIDR (no prefix length)"},
      {"CidrWithALongPrefix",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/33}}]}]}",
       "'10.0.0.1/33' is not a CIDR (bad prefix length)"},
      {"CidrOfAName", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: web/8}}]}]}",
       "cidr: 'web' is not an IP address"},
      {"ExceptOutsideOfCidr",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: "
       "[11.0.0.0/16]}}]}]}",
       "except: 11.0.0.0/16 is not a part of 10.0.0.0/8"},
      {"ExceptOfTheWholeCidr",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: "
       "[10.0.0.0/8]}}]}]}",
       "except: 10.0.0.0/8 is not a part of 10.0.0.0/8"},
      {"ExceptOfAnotherFamily",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: "
       "['fd00::/8']}}]}]}",
       "except: fd00::/8 is not a part of 10.0.0.0/8"},
  };
}

// Passed over, each of them would allow more than is meant.
std::vector<Bad> Misspelt() {
  return {
      {"Spec", "{podSelector: {}, policyType: [Egress]}", "spec: policyType: unknown key"},
      {"Rule", "{podSelector: {}, ingress: [{form: [{podSelector: {}}]}]}",
       "ingress[0]: form: unknown key"},
      {"OtherDirection", "{podSelector: {}, egress: [{from: [{podSelector: {}}]}]}",
       "egress[0]: from: unknown key"},
      {"Peer", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podselector: {}}]}]}",
       "from[0]: podselector: unknown key"},
      {"Block",
       "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, excepts: []}}]}]}",
       "ipBlock: excepts: unknown key"},
      {"Port", "{podSelector: {}, ingress: [{ports: [{portt: 80}]}]}",
       "ports[0]: portt: unknown key"},
      {"Selector", "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabel: {a: b}}}]}]}",
       "podSelector: matchLabel: unknown key"},
      {"Expression", "{podSelector: {matchExpressions: [{key: a, operator: Exists, value: [b]}]}}",
       "matchExpressions[0]: value: unknown key"},
  };
}

std::vector<Bad> BadPorts() {
  return {
      {"UnknownType", "{podSelector: {}, policyTypes: [ingress]}",
       "policyTypes: 'ingress' is not Ingress or Egress"},
      {"UnknownProtocol", "{podSelector: {}, ingress: [{ports: [{protocol: tcp}]}]}",
       "ports[0]: protocol: 'tcp' is not TCP, UDP or SCTP"},
      {"PortZero", "{podSelector: {}, ingress: [{ports: [{port: 0}]}]}",
       "port: 0 is not 1 to 65535"},
      {"PortTooLarge", "{podSelector: {}, ingress: [{ports: [{port: 65536}]}]}",
       "port: 65536 is not 1 to 65535"},
      {"PortIsNegative", "{podSelector: {}, ingress: [{ports: [{port: -1}]}]}",
       "port: -1 is not 1 to 65535"},
      {"PortIsAFraction", "{podSelector: {}, ingress: [{ports: [{port: 80.5}]}]}",
       "port: 80.5 is not 1 to 65535"},
      {"PortNameIsEmpty", "{podSelector: {}, ingress: [{ports: [{port: ''}]}]}",
       "port: '' is neither a number"},
      {"PortNameHasAColon", "{podSelector: {}, ingress: [{ports: [{port: 'a:b'}]}]}",
       "port: 'a:b' is neither a number"},
      {"PortIsAQuotedNumber", "{podSelector: {}, ingress: [{ports: [{port: '80'}]}]}",
       "port: '80' is neither a number nor a port's name"},
      {"PortNameIsTooLong", "{podSelector: {}, ingress: [{ports: [{port: a234567890123456}]}]}",
       "port: 'a234567890123456' is neither a number"},
      {"EndPortBelowPort", "{podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]}",
       "endPort: 80 is below port 90"},
      {"EndPortWithAName", "{podSelector: {}, ingress: [{ports: [{port: web, endPort: 80}]}]}",
       "endPort: needs a numeric port"},
      {"EndPortAlone", "{podSelector: {}, ingress: [{ports: [{endPort: 80}]}]}",
       "endPort: needs a numeric port"},
      {"EndPortTooLarge", "{podSelector: {}, ingress: [{ports: [{port: 1, endPort: 70000}]}]}",
       "endPort: 70000 is not 1 to 65535"},
      {"RulesAreAnObject", "{podSelector: {}, ingress: {}}", "ingress: not a list"},
  };
}

const auto kNameOfBad = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Peers, BadPolicy, ::testing::ValuesIn(BadPeers()), kNameOfBad);
INSTANTIATE_TEST_SUITE_P(Misspelt, BadPolicy, ::testing::ValuesIn(Misspelt()), kNameOfBad);
INSTANTIATE_TEST_SUITE_P(Ports, BadPolicy, ::testing::ValuesIn(BadPorts()), kNameOfBad);

TEST(ParseNetworkPolicy, RefusesAnotherApiVersion) {
  EXPECT_THAT(ParseNetworkPolicy(ObjectOf("apiVersion: extensions/v1beta1\nkind: NetworkPolicy\n"
                                          "metadata: {name: p}\nspec: {}")),
              FailsWith(Code::kInvalidArgument, "apiVersion: \"extensions/v1beta1\" is not"));
}

Result<Pod> PodOf(const std::string& rest) {
  return ParsePod(
      ObjectOf("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\n" + rest));
}

TEST(ParsePod, ReadsNamedPortsOfInitContainersToo) {
  const auto pod = PodOf(
      "spec: {containers: [{ports: [{name: web, containerPort: 80}, {containerPort: 81}]}],"
      " initContainers: [{ports: [{name: dns, containerPort: 53, protocol: UDP}]}]}");
  ASSERT_THAT(pod, IsOk());
  ASSERT_EQ(pod->ports.size(), 2U);
  EXPECT_EQ(pod->ports[1].protocol, Protocol::kUdp);
}

TEST(ParsePod, TakesPodIpWhenPodIpsAreAbsent) {
  const auto one = PodOf("status: {podIP: 10.0.0.1}");
  const auto two = PodOf("status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}");
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  EXPECT_EQ(one->addresses.size(), 1U);
  EXPECT_EQ(two->addresses.size(), 2U);
}

TEST(ParsePod, KnowsAPodThatHasFinished) {
  EXPECT_TRUE(PodOf("status: {phase: Succeeded}")->finished);
  EXPECT_TRUE(PodOf("status: {phase: Failed}")->finished);
  EXPECT_FALSE(PodOf("status: {phase: Running}")->finished);
}

TEST(ParsePod, RefusesAnAddressThatIsNone) {
  EXPECT_THAT(
      PodOf("status: {podIPs: [{ip: 10.0.0.300}]}"),
      FailsWith(Code::kInvalidArgument, "status: podIPs[0]: ip: '10.0.0.300' is not an IP"));
  EXPECT_THAT(PodOf("status: {podIPs: [{ip: '::ffff:10.0.0.3'}]}"),
              FailsWith(Code::kInvalidArgument, "is not an IP address"));
}

TEST(ParsePod, RefusesAPortThatIsNone) {
  EXPECT_THAT(PodOf("spec: {containers: [{ports: [{name: web, containerPort: 70000}]}]}"),
              FailsWith(Code::kInvalidArgument, "containers[0]: ports[0]: containerPort"));
}

}  // namespace
}  // namespace trivet::netpolicy
