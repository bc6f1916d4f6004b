#pragma once

#include "common/linux/process.h"
#include "shim/init_plan.h"

namespace trivet::shim {

/// A child on its way to execve: what it becomes is read from `report`. Until execve its exit
/// signal is kExitSignalBeforeExecve.
struct Launch {
  Child child;
  UniqueFd report;
};

/// Clones a container's first process. `pid_namespace` is one for clone3 (0 or CLONE_NEWPID);
/// `cgroup_fd` a v2 folder or -1.
Result<Launch> LaunchContainer(const InitPlan& plan, const CloneFlags& flags);

/// Clones a process that joins the namespaces of the process behind `target_pidfd`. With
/// `is_subreaper` its orphans stay its own, so that the whole tree can be found.
struct ExecPlan {
  ProcessPlan process;
  int target_pidfd = -1;
  bool is_subreaper = false;
};
Result<Launch> LaunchExec(const ExecPlan& plan, const CloneFlags& flags);

/// Clones a process of the node's that has all rights, in the namespaces given or, before its root
/// is entered, in the mounts of the process behind `target_pidfd`.
struct HookPlan {
  ProcessPlan process;
  std::vector<int> namespace_fds;
  int target_pidfd = -1;
};
Result<Launch> LaunchHook(const HookPlan& plan, const CloneFlags& flags);

}  // namespace trivet::shim
