#pragma once

#include "common/base/error.h"
#include "cri-runtime/config.h"

namespace trivet::cri {

/// Serves CRI until a stop signal comes. Pods run on.
Result<> Serve(const Config& config);

}  // namespace trivet::cri
