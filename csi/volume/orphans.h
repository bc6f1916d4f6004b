#pragma once

#include "csi/pool/pools.h"
#include "csi/volume/stores.h"

namespace trivet::csi {

/// Logs the bytes in the pools that no readable record knows. They are never
/// deleted: the record may be what was lost. Their space is promised, so that
/// nothing grows into it.
void ReportOrphans(const Pools& pools, const Stores& stores);

}  // namespace trivet::csi
