#pragma once

#include <string>

#include "common/base/error.h"
#include "csi/config.h"
#include "csi/paths.h"

namespace trivet::csi {

/// What the pool is, in a few words: "lvm: thin volumes in vg0/tp".
std::string Describe(const PoolConfig& config);

/// Looks at the pool's storage and says what is there, a line each; changes nothing. Errors: as its
/// Open. The folder of a file pool need not exist yet. `paths` are the driver's, for what it has
/// given to volumes.
Result<std::string> Inspect(const PoolConfig& config, const Paths& paths);

}  // namespace trivet::csi
