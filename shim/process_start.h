#pragma once

#include "shim/process_plan.h"
#include "shim/report.h"

/// The parts that a container's first process and an exec share. All of it runs in the child:
/// async-signal-safe, no allocation, no logging.
namespace trivet::shim {

/// Into the cgroups of `plan.cgroup_procs`.
void JoinCgroups(const ProcessPlan& plan, const Reporter& report);

/// First thing in the child: own cgroup, signals, oom_score_adj, AppArmor profile, SELinux label,
/// session.
void LeaveTheShim(const ProcessPlan& plan, const Reporter& report);
/// Keys of whoever started the daemon, and of other pods, are not the process's. Source: man 7
/// session-keyring.
void LeaveKeyring(const Reporter& report);

/// Last thing of a hook that is the node's: standard input and output, execve.
[[noreturn]] void ExecuteOnNode(const ProcessPlan& plan, const Reporter& report);

/// Last thing: limits, working directory below `root_fd`, standard input and output, credentials,
/// execve.
[[noreturn]] void Execute(const ProcessPlan& plan, int root_fd, const Reporter& report);

}  // namespace trivet::shim
