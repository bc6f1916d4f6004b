#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/rpc/call_count.h"
#include "cri-runtime/state/single_flight.h"
#include "cri-runtime/state/snapshot.h"

namespace trivet::cri {

/// What the daemon says about itself.
struct DaemonFigures {
  std::map<std::string, rpc::MethodCalls> calls;  // by method
  std::shared_ptr<const state::Snapshot> snapshot;
  bool network_ready = false;
  size_t running_operations = 0;
  uint64_t resident_bytes = 0;
};

/// The figures in Prometheus' text format 0.0.4: trivet_cri_… The pods' own metrics are
/// ListPodSandboxMetrics' affair: the kubelet shows them.
std::string PrometheusText(const DaemonFigures& figures);

/// This process's resident memory. Source: "VmRSS" in /proc/self/status.
uint64_t ReadResidentBytes();

}  // namespace trivet::cri
