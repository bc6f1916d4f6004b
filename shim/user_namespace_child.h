#pragma once

#include "common/base/error.h"
#include "common/linux/process.h"
#include "shim/process_plan.h"
#include "shim/report.h"

/// How a child gets into the pod's user namespace. All but AwaitSuccessor runs in the child:
/// async-signal-safe, no allocation, no logging.
namespace trivet::shim {

/// Makes standard input and output the user's, who may open them again, as long as this process may
/// do so.
void OwnStdio(const ProcessPlan& plan, const Reporter& report);

/// Enters the namespace with all capabilities in it and none outside, still as the node's root.
/// With `plan.user_namespace.new_pid_namespace` this process ends here and another child of the
/// parent, PID 1, goes on. Nothing to do for a pod without one.
void EnterUserNamespace(const ProcessPlan& plan, const Reporter& report);

/// Root of the namespace, and no longer the node's: what is made from now on is that root's.
void BecomeRootOfUserNamespace(const ProcessPlan& plan, const Reporter& report);

/// In the parent: the process that goes on in place of `first`, which is reaped.
/// Errors: what the child failed with.
Result<Child> AwaitSuccessor(const Child& first, const UniqueFd& report);

}  // namespace trivet::shim
