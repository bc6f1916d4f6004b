#pragma once

#include "netpolicy/agent.h"
#include "netpolicy/plan/firewall.h"
#include "netpolicy/service/policy_server.h"
#include "netpolicy/watch/source.h"

namespace trivet::netpolicy {

/// What wakes the agent, besides a stop signal; all borrowed.
struct Events {
  int signal_fd;  // a signalfd(2) of the stop signals
  const Source& source;
  Firewall& firewall;
  PolicyServer& server;
};

/// Serves requests and follows the manifests until a stop signal; the answer is its number. A
/// failed change is tried again every second. A table that somebody else changed is put in place at
/// once, at most once a second; besides, it is looked at every minute.
Result<int> RunUntilSignal(const Events& events, Agent& agent);

}  // namespace trivet::netpolicy
