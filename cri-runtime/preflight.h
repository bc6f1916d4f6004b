#pragma once

#include "common/base/error.h"
#include "cri-runtime/config.h"

namespace trivet::cri {

/// Whether this node can run containers. Errors: kFailedPrecondition with every complaint, each
/// with what it is about: an admin repairs all of them at once.
Result<> CheckNode(const Config& config);

}  // namespace trivet::cri
