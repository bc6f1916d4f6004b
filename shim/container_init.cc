#include "shim/container_init.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/children.h"
#include "shim/dev_child.h"
#include "shim/mount_child.h"
#include "shim/process_start.h"
#include "shim/report.h"
#include "shim/user_namespace_child.h"

namespace trivet::shim {
namespace {

// Hooks before the pivot need the node's mounts, and so does a user namespace: the kernel gives it
// proc and sysfs only beside those.
bool BeginsBare(const InitPlan& plan) {
  return !plan.first_namespaces.empty() && !plan.hooks_before_pivot &&
         plan.process.user_namespace.fd < 0;
}

void EnterFirstNamespaces(const InitPlan& plan, const Reporter& report) {
  for (const UniqueFd& fd : plan.first_namespaces) {
    report.Check(::setns(fd.get(), CLONE_NEWNS) == 0, Step::kEnterNamespaces);
  }
}

// From here to execve: async-signal-safe calls only, no allocation, no logging.
[[noreturn]] void RunContainer(const InitPlan& plan, int report_fd) {
  const Reporter report(report_fd);
  LeaveTheShim(plan.process, report);
  OwnStdio(plan.process, report);
  const bool in_user_namespace = plan.process.user_namespace.fd >= 0;
  EarlyTrees early;
  if (in_user_namespace) MakeDevEarly(plan, early, report);
  EnterUserNamespace(plan.process, report);
  const bool is_bare = BeginsBare(plan);
  if (is_bare) EnterFirstNamespaces(plan, report);
  // After the cgroup was joined: its group is the root of what this namespace shows.
  const int cgroups = plan.node_cgroups ? 0 : CLONE_NEWCGROUP;
  report.Check(::unshare(CLONE_NEWNS | cgroups) == 0, Step::kMountNamespace);
  ::umask(0);
  if (in_user_namespace) MakeProcAndSysfsEarly(plan, early, report);
  if (is_bare) {
    CoverRoot(plan.root.get(), report);
  } else {
    AttachRoot(plan.root.get(), plan.attach_point.c_str(), report);
    // Hooks before the pivot see the container's mounts below the attach point.
    if (!plan.hooks_before_pivot) PivotIntoRoot(plan.root.get(), report);
  }
  BecomeRootOfUserNamespace(plan.process, report);
  OwnMounts own;
  MakeMounts(plan, early, own, report);
  if (plan.hooks_before_pivot) {
    report.AwaitHooks(false);
    own.ForgetAll();  // they may mount
    PivotIntoRoot(plan.root.get(), report);
  }
  if (plan.process.terminal) OpenTerminal(plan, report);
  RestrictPaths(plan, own, report);
  if (plan.hooks_in_root) report.AwaitHooks(true);
  Execute(plan.process, plan.root.get(), report);
}

[[noreturn]] void RunExec(const ExecPlan& plan, int report_fd) {
  const Reporter report(report_fd);
  LeaveTheShim(plan.process, report);
  if (plan.is_subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  OwnStdio(plan.process, report);
  const int user = plan.process.user_namespace.fd < 0 ? 0 : CLONE_NEWUSER;
  report.Check(::setns(plan.target_pidfd, CLONE_NEWNS | CLONE_NEWCGROUP | user) == 0,
               Step::kEnterNamespaces);
  BecomeRootOfUserNamespace(plan.process, report);
  const int root_fd = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  report.Check(root_fd >= 0, Step::kWorkingDirectory, "/");
  Execute(plan.process, root_fd, report);
}

// The shim's end of the socket tells of an end that was too early for the signal.
void EndWithTheShim(const Reporter& report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  char none = 0;
  if (::recv(report.fd(), &none, sizeof none, MSG_DONTWAIT) == 0) ::_exit(1);
}

[[noreturn]] void RunHook(const HookPlan& plan, int report_fd) {
  const Reporter report(report_fd);
  EndWithTheShim(report);
  LeaveTheShim(plan.process, report);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (const int fd : plan.namespace_fds) {
    report.Check(::setns(fd, 0) == 0, Step::kEnterNamespaces);
  }
  if (plan.target_pidfd >= 0) {
    report.Check(::setns(plan.target_pidfd, CLONE_NEWNS | CLONE_NEWCGROUP) == 0,
                 Step::kEnterNamespaces);
  }
  ExecuteOnNode(plan.process, report);
}

// Who does must not hold its other end open, which the shim's end is to close.
bool ListensToTheShim(const InitPlan& plan) {
  return plan.hooks_before_pivot || plan.hooks_in_root;
}
bool ListensToTheShim(const ExecPlan& /*plan*/) {
  return false;
}
bool ListensToTheShim(const HookPlan& /*plan*/) {
  return true;
}

template <class Plan>
Result<Launch> Clone(const Plan& plan, const CloneFlags& flags,
                     void (*run)(const Plan&, int report_fd)) {
  ASSIGN_OR_RETURN(ReportChannel channel, MakeReportChannel());
  CloneFlags with_signal = flags;
  with_signal.exit_signal = kExitSignalBeforeExecve;
  ASSIGN_OR_RETURN(Child child, Clone3(with_signal));
  if (child.pid == 0) {
    if (ListensToTheShim(plan)) channel.parent.reset();
    run(plan, channel.child.get());
  }
  channel.child.reset();
  if (plan.process.user_namespace.new_pid_namespace) {
    ASSIGN_OR_RETURN(child, AwaitSuccessor(child, channel.parent));
  }
  return Launch{std::move(child), std::move(channel.parent)};
}

}  // namespace

Result<Launch> LaunchContainer(const InitPlan& plan, const CloneFlags& flags) {
  return Clone<InitPlan>(plan, flags, RunContainer);
}

Result<Launch> LaunchHook(const HookPlan& plan, const CloneFlags& flags) {
  return Clone<HookPlan>(plan, flags, RunHook);
}

Result<Launch> LaunchExec(const ExecPlan& plan, const CloneFlags& flags) {
  return Clone<ExecPlan>(plan, flags, RunExec);
}

}  // namespace trivet::shim
