#pragma once

#include <map>
#include <string>

#include "common/rpc/call_count.h"
#include "csi/pool/pools.h"
#include "csi/volume/health.h"
#include "csi/volume/stores.h"

namespace trivet::csi {

/// Calls by method, as rpc::CallCount has them.
using CallNumbers = std::map<std::string, rpc::MethodCalls>;

/// What is there now, in Prometheus' text format: pools, volumes, snapshots and what is wrong with
/// them; and how the calls went. Source: prometheus.io/docs/instrumenting/exposition_formats.
std::string WriteMetrics(const Stores& stores, const Pools& pools, const Health& health,
                         const CallNumbers& calls);

}  // namespace trivet::csi
