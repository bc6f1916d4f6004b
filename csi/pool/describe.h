#pragma once

#include <string>

#include "common/base/error.h"
#include "csi/config.h"

namespace trivet::csi {

/// What the pool is, in a few words: "lvm: thin volumes in vg0/tp".
std::string Describe(const PoolConfig& config);

/// Looks at the pool's storage and says what is there, a line each; changes nothing. Errors: as its
/// Open. The folder of a file pool need not exist yet.
Result<std::string> Inspect(const PoolConfig& config);

}  // namespace trivet::csi
