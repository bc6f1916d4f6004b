#pragma once

#include <string>

#include "csi/pool/pools.h"
#include "csi/volume/health.h"
#include "csi/volume/stores.h"

namespace trivet::csi {

/// What is there now, in Prometheus' text format: pools, volumes, snapshots and what is wrong with
/// them. Source: prometheus.io/docs/instrumenting/exposition_formats.
std::string WriteMetrics(const Stores& stores, const Pools& pools, const Health& health);

}  // namespace trivet::csi
