#pragma once

#include <chrono>
#include <string>

#include "common/base/error.h"
#include "cri-runtime/container/containers.h"
#include "cri-runtime/shim_client/connection.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// Runs a process in a container to its end and collects what it writes.
/// Errors: kDeadlineExceeded when it was killed at the end of `timeout` (0: none).
Result<ExecOutput> RunExec(cri::ShimConnection& shim, const std::string& id,
                           shim::ProcessSpec process, std::chrono::seconds timeout);

}  // namespace trivet::container
