#pragma once

#include "common/base/error.h"
#include "ctl/node/node.h"
#include "ctl/object/pod.h"

namespace trivet::ctl {

/// Brings the pod of `record` up as the kubelet does: volumes, sandbox, init containers in order,
/// containers. One pass: what runs already is left alone, what is missing is made, what has ended
/// is started again where restartPolicy says so. Nobody watches afterwards.
Result<> StartPod(Node& node, const Pod& pod, const Record& record);

/// Waits until every container of the pod runs, or has ended well and is not to run again.
/// Errors: kFailedPrecondition when one has ended otherwise; kDeadlineExceeded.
Result<> AwaitPod(Node& node, const Pod& pod, const Record& record,
                  std::chrono::milliseconds timeout);

}  // namespace trivet::ctl
