#pragma once

#include <vector>

#include "netpolicy/model/objects.h"

/// The cases of Kubernetes' own NetworkPolicy tests (test/e2e/network/netpol), as data: namespaces
/// x, y, z with pods a, b, c each; what is not said to be denied is open.
namespace trivet::netpolicy::upstream {

/// One line of what a case expects: "y/* -> x/a". A pod to itself is not looked at.
struct Line {
  const char* from_to;
  bool open;
};

struct Probe {
  Protocol protocol = Protocol::kTcp;
  uint16_t port = 80;
};

struct Case {
  const char* name;
  const char* policies;      // specs, by their namespace and name: "x deny: {…}"
  std::vector<Line> expect;  // later lines win
  Probe probe = {};
  const char* relabel = "";  // "y ns: y2" or "x/b pod: c" added to the labels
};

std::vector<Case> PeerCases();
std::vector<Case> CombinedPeerCases();
std::vector<Case> LabelCases();
std::vector<Case> PortCases();
std::vector<Case> EgressCases();
std::vector<Case> BlockCases();
std::vector<Case> ProtocolCases();

}  // namespace trivet::netpolicy::upstream
