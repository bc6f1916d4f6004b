#include "tests/unit/netpolicy/upstream_cases.h"

namespace trivet::netpolicy::upstream {
namespace {

constexpr Probe kPort81{Protocol::kTcp, 81};

}  // namespace

std::vector<Case> EgressCases() {
  return {
      {"EgressDeniedToAPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}",
       {{"x/a -> *", false}}},
      {"EgressDeniedToANamespace",
       "x p: {podSelector: {}, policyTypes: [Egress]}",
       {{"x/* -> *", false}}},
      {"EgressToNamespaceAndPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}]}",
       {{"x/a -> *", false}, {"x/a -> y/a", true}}},
      {"EgressAndIngressOfTwoPods",
       "x out: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}]}\n"
       "y in: {podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}]}, "
       "ingress: "
       "[{from: [{namespaceSelector: {matchLabels: {ns: x}}, podSelector: {matchLabels: {pod: "
       "a}}}]}]}",
       {{"x/a -> *", false}, {"* -> y/a", false}, {"* -> y/b", false}, {"x/a -> y/a", true}}},
      {"IngressFromBAndEgressToPort80",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], ingress: "
       "[{from: "
       "[{podSelector: {matchLabels: {pod: b}}}]}], egress: [{ports: [{port: 80}]}]}",
       {{"* -> x/a", false}, {"x/b -> x/a", true}}},
      {"IngressFromBAndEgressToPort80At81",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], ingress: "
       "[{from: "
       "[{podSelector: {matchLabels: {pod: b}}}]}], egress: [{ports: [{port: 80}]}]}",
       {{"* -> x/a", false}, {"x/b -> x/a", true}, {"x/a -> *", false}},
       kPort81},
      {"EgressNarrowAndAllowAll",
       "x narrow: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{namespaceSelector: {matchLabels: {ns: y}}}]}]}\n"
       "x all: {podSelector: {}, policyTypes: [Egress], egress: [{}]}",
       {}},
  };
}

std::vector<Case> BlockCases() {
  return {
      {"EgressToOneAddress",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{ipBlock: "
       "{cidr: 10.0.0.5/32}}, {ipBlock: {cidr: 'fd00::5/128'}}]}]}",
       {{"x/a -> *", false}, {"x/a -> y/b", true}}},
      {"EgressToABlockExceptOneAddress",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{ipBlock: "
       "{cidr: 10.0.0.0/24, except: [10.0.0.2/32]}}, {ipBlock: {cidr: 'fd00::/64', except: "
       "['fd00::2/128']}}]}]}",
       {{"x/a -> x/b", false}}},
      {"AnExceptedAddressIsAllowedByAnotherRule",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{ipBlock: "
       "{cidr: 10.0.0.0/24, except: [10.0.0.2/32]}}, {ipBlock: {cidr: 'fd00::/64', except: "
       "['fd00::2/128']}}]}, {to: [{podSelector: {matchLabels: {pod: b}}}]}]}",
       {}},
      {"EgressAllowedAndIngressDenied",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], egress: [{}]}",
       {{"* -> x/a", false}}},
      {"EgressNotToANamespaceByItsName",
       "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: "
       "[{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: "
       "NotIn, values: [y]}]}}]}]}",
       {{"x/a -> y/*", false}}},
  };
}

}  // namespace trivet::netpolicy::upstream
