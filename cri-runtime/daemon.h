#pragma once

#include <functional>

#include "common/base/error.h"
#include "cri-runtime/config.h"

namespace trivet::cri {

/// Serves CRI until SIGTERM or SIGINT; at SIGHUP it takes what `reload` reads.
/// Errors: what keeps this node from running containers; the kernel's.
Result<> Serve(const Config& config, const std::function<Result<Config>()>& reload);

}  // namespace trivet::cri
