#include "tests/unit/netpolicy/upstream_cases.h"

namespace trivet::netpolicy::upstream {
namespace {

constexpr Probe kPort81{Protocol::kTcp, 81};

}  // namespace

std::vector<Case> PortCases() {
  constexpr const char* kPort81FromY =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
      "{matchLabels: {ns: y}}}], ports: [{port: 81}]}]}";
  constexpr const char* kStacked =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
      "{matchLabels: {ns: y}}}], ports: [{port: 81}]}]}\n"
      "x q: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
      "{matchLabels: {ns: y}}}], ports: [{port: 80}]}]}";
  constexpr const char* kNamed =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-81-tcp}]}]}";
  constexpr const char* kNamedFromY =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
      "{matchLabels: {ns: y}}}], ports: [{port: serve-80-tcp}]}]}";
  constexpr const char* kNamedEgress =
      "x p: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: "
      "serve-80-tcp}]}]}";
  constexpr const char* kRange =
      "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81, endPort: 90}]}]}";
  const Line closed{"* -> x/a", false};
  const Line from_y{"y/* -> x/a", true};
  return {
      {"Port81FromY", kPort81FromY, {closed, from_y}, kPort81},
      {"Port80WhenOnly81IsOpen", kPort81FromY, {closed}},
      {"StackedPort81", kStacked, {closed, from_y}, kPort81},
      {"StackedPort80", kStacked, {closed, from_y}},
      {"NamedPort", kNamed, {}, kPort81},
      {"OtherThanTheNamedPort", kNamed, {closed}},
      {"NamedPortFromY", kNamedFromY, {closed, from_y}},
      {"OtherThanTheNamedPortFromY", kNamedFromY, {closed}, kPort81},
      {"NamedEgressPort", kNamedEgress, {}},
      {"OtherThanTheNamedEgressPort", kNamedEgress, {{"x/a -> *", false}}, kPort81},
      {"PortRange", kRange, {}, kPort81},
      {"PortBelowTheRange", kRange, {closed}},
      {"AnyTcpPort",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: TCP}]}]}",
       {},
       kPort81},
      {"UdpWhenTcpIsOpen",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: TCP}]}]}",
       {closed},
       {Protocol::kUdp, 80}},
  };
}

std::vector<Case> ProtocolCases() {
  constexpr Probe kUdp81{Protocol::kUdp, 81};
  constexpr Probe kSctp80{Protocol::kSctp, 80};
  constexpr Probe kSctp81{Protocol::kSctp, 81};
  const Line closed{"* -> x/a", false};
  return {
      {"TcpWhenOnlySctp81IsOpen",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: SCTP, port: "
       "81}]}]}",
       {closed},
       kPort81},
      {"TcpWhenOnlySctp80IsOpen",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: SCTP, port: "
       "80}]}]}",
       {closed},
       kPort81},
      {"TcpWhenOnlyUdp81IsOpen",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: UDP, port: "
       "81}]}]}",
       {closed},
       kPort81},
      {"UdpDenied",
       "x p: {podSelector: {}, policyTypes: [Ingress]}",
       {{"* -> x/*", false}},
       {Protocol::kUdp, 80}},
      {"Udp81FromY",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchLabels: {ns: y}}}], ports: [{protocol: UDP, port: 81}]}]}",
       {closed, {"y/* -> x/a", true}},
       kUdp81},
      {"Udp80WhenOnlyUdp81IsOpen",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: UDP, port: "
       "81}]}]}",
       {closed},
       {Protocol::kUdp, 80}},
      {"UdpFromAPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: "
       "{pod: b}}}], ports: [{protocol: UDP, port: 81}]}]}",
       {closed, {"x/b -> x/a", true}},
       kUdp81},
      {"SctpDenied",
       "x p: {podSelector: {}, policyTypes: [Ingress]}",
       {{"* -> x/*", false}},
       kSctp80},
      {"Sctp81FromY",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: "
       "{matchLabels: {ns: y}}}], ports: [{protocol: SCTP, port: 81}]}]}",
       {closed, {"y/* -> x/a", true}},
       kSctp81},
      {"SctpFromAPod",
       "x p: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: "
       "{pod: b}}}], ports: [{protocol: SCTP, port: 80}]}]}",
       {closed, {"x/b -> x/a", true}},
       kSctp80},
  };
}

}  // namespace trivet::netpolicy::upstream
