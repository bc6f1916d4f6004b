#pragma once

#include "common/base/error.h"
#include "ctl/node/node.h"

namespace trivet::ctl {

/// Takes the pod of `record` down: containers with their grace, sandbox, volumes, folders, logs.
/// Needs the record only, wherever an earlier run was interrupted; repeatable.
Result<> StopPod(Node& node, const Record& record);

}  // namespace trivet::ctl
