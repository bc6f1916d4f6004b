#include "tests/unit/netpolicy/upstream_cases.h"

namespace trivet::netpolicy::upstream {

std::vector<Case> PeerCases() {
  return {
      {"DenyIngress", "x p: {podSelector: {}, policyTypes: [Ingress]}", {{"* -> x/*", false}}},
      {"DenyAll",
       "x p: {podSelector: {}, policyTypes: [Ingress, Egress]}",
       {{"* -> x/*", false}, {"x/* -> *", false}}},
      {"FromPodOfTheSameNamespace",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: "
       "{pod: b}}}]}]}",
       {{"* -> x/a", false}, {"x/b -> x/a", true}}},
      {"DenyAllAndAllowAllToOnePod",
       "x deny: {podSelector: {}, policyTypes: [Ingress]}\n"
       "x allow: {podSelector: {matchLabels: {pod: a}}, ingress: [{}]}",
       {{"* -> x/*", false}, {"* -> x/a", true}}},
      {"FromAllNamespaces",
       "x deny: {podSelector: {}, policyTypes: [Ingress]}\n"
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {}}]}]}",
       {{"* -> x/*", false}, {"* -> x/a", true}}},
      {"FromOneNamespace",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchLabels: {ns: y}}}]}]}",
       {{"* -> x/a", false}, {"y/* -> x/a", true}}},
      {"PodExpressionIn",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: "
       "{matchExpressions: [{key: pod, operator: In, values: [b]}]}}]}]}",
       {{"* -> x/a", false}, {"x/b -> x/a", true}}},
      {"NamespaceExpressionIn",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchExpressions: [{key: ns, operator: In, values: [y]}]}}]}]}",
       {{"* -> x/a", false}, {"y/* -> x/a", true}}},
  };
}

std::vector<Case> CombinedPeerCases() {
  return {
      {"NamespaceOrPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}}, {podSelector: "
       "{matchLabels: "
       "{pod: b}}}]}]}",
       {{"x/c -> x/a", false}}},
      {"NamespaceAndPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}, podSelector: {matchLabels: "
       "{pod: b}}}]}]}",
       {{"* -> x/a", false}, {"y/b -> x/a", true}, {"z/b -> x/a", true}}},
      {"NamespaceAndPodExpressions",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}, podSelector: "
       "{matchExpressions: [{key: pod, operator: In, values: [b, c]}]}}]}]}",
       {{"* -> x/a", false},
        {"y/b -> x/a", true},
        {"y/c -> x/a", true},
        {"z/b -> x/a", true},
        {"z/c -> x/a", true}}},
      {"TwoPodPeers",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: "
       "{pod: b}}}, {podSelector: {matchLabels: {pod: c}}}]}]}",
       {{"* -> x/a", false}, {"x/b -> x/a", true}, {"x/c -> x/a", true}}},
      {"OneNamespaceAndOnePod",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}]}",
       {{"* -> x/a", false}, {"y/a -> x/a", true}}},
      {"AllowAll", "x p: {podSelector: {}, ingress: [{}]}", {}},
      {"EmptyPodSelectorPeer",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {}}]}]}",
       {{"* -> x/a", false}, {"x/* -> x/a", true}}},
      {"NamespaceByItsName",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [y]}]}}]}]}",
       {{"* -> x/a", false}, {"y/* -> x/a", true}}},
      {"NarrowAndAllowAll",
       "x narrow: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchLabels: {ns: y}}}]}]}\n"
       "x all: {podSelector: {}, ingress: [{}]}",
       {}},
      {"Deleted", "", {}},
  };
}

std::vector<Case> LabelCases() {
  constexpr const char* kByNamespace =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
      "{matchLabels: {ns2: updated}}}]}]}";
  constexpr const char* kByPod =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: "
      "{pod2: updated}}}]}]}";
  constexpr const char* kTarget =
      "x p: {podSelector: {matchLabels: {pod2: updated}}, policyTypes: [Ingress]}";
  return {
      {"BeforeTheNamespaceHasTheLabel", kByNamespace, {{"* -> x/a", false}}},
      {"AfterTheNamespaceHasTheLabel",
       kByNamespace,
       {{"* -> x/a", false}, {"y/* -> x/a", true}},
       {},
       "y "},
      {"BeforeThePodHasTheLabel", kByPod, {{"* -> x/a", false}}},
      {"AfterThePodHasTheLabel", kByPod, {{"* -> x/a", false}, {"x/b -> x/a", true}}, {}, "x/b"},
      {"BeforeATargetHasTheLabel", kTarget, {}},
      {"AfterATargetHasTheLabel", kTarget, {{"* -> x/a", false}}, {}, "x/a"},
  };
}

}  // namespace trivet::netpolicy::upstream
