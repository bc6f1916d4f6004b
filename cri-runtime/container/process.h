#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/record.h"
#include "cri-runtime/node.h"
#include "proto/trivet/shim.h"

namespace trivet::container {

/// How a process of the container is executed: its user, capabilities, filter. The first process
/// and every exec are the same but for what they run.
Result<shim::ProcessSpec> MakeProcess(cri::Node& node, const Record& record);

}  // namespace trivet::container
