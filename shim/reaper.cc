#include "shim/reaper.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/linux/bare_mounts.h"
#include "common/linux/processors.h"
#include "shim/credentials.h"
#include "shim/mount_child.h"
#include "shim/process_start.h"
#include "shim/report.h"
#include "shim/user_namespace_child.h"

namespace trivet::shim {
namespace {

struct ReaperPlan {
  ProcessPlan process;  // nobody of importance: no capability, no new privileges
  int root_fd = -1;     // of an empty file system
  const char* attach_point = nullptr;
};

[[noreturn]] void ReapForEver() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &child, nullptr);
  while (true) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    int signal = 0;
    ::sigwait(&child, &signal);
  }
}

// In the child, for ever. As PID 1 it gets no signal it has no handler for, but KILL from outside.
// A container with SYS_PTRACE can open what is in /proc/1 and control the process: it is left with
// nothing that such a container does not have.
[[noreturn]] void Reap(const ReaperPlan& plan, int report_fd) {
  const Reporter report(report_fd);
  JoinCgroups(plan.process, report);
  UseAllProcessors();
  ::prctl(PR_SET_NAME, "trivet-pause", 0, 0, 0);
  report.Check(::setsid() >= 0, Step::kSession);
  LeaveKeyring(report);
  EnterUserNamespace(plan.process, report);
  report.Check(::unshare(CLONE_NEWNS | CLONE_NEWCGROUP) == 0, Step::kMountNamespace);
  EnterRoot(plan.root_fd, plan.attach_point, report);
  TakeCredentials(plan.process, report);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // after that: new credentials may reset it
  ::syscall(SYS_close_range, 0U, ~0U, 0);       // the report, too: done
  ReapForEver();
}

Result<> AwaitReaper(const ReportChannel& channel) {
  ASSIGN_OR_RETURN(const Report report, ReadReport(channel.parent.get()));
  if (const auto* failure = std::get_if<Failure>(&report)) {
    return std::unexpected(ToError(*failure));
  }
  return {};
}

}  // namespace

Result<Child> StartReaper(const SandboxSpec& spec, const UserNamespace& user_namespace,
                          const std::string& attach_point) {
  ReaperPlan plan{.attach_point = attach_point.c_str()};
  plan.process.no_new_privs = true;
  RETURN_IF_ERROR(user_namespace.Place(plan.process), "reaper");
  plan.process.user_namespace.new_pid_namespace = user_namespace.exists();
  ASSIGN_OR_RETURN(const auto groups, OpenEntryFiles(spec.cgroup_procs), "cgroup_procs");
  for (const UniqueFd& group : groups) plan.process.cgroup_procs.push_back(group.get());
  ASSIGN_OR_RETURN(const DetachedMount root, EmptyRoot(), "reaper");
  plan.root_fd = root.fd();
  ASSIGN_OR_RETURN(ReportChannel channel, MakeReportChannel());
  const uint64_t flags = user_namespace.exists() ? 0 : CLONE_NEWPID;
  ASSIGN_OR_RETURN(Child child, Clone3({.flags = flags}), "reaper");
  if (child.pid == 0) Reap(plan, channel.child.get());
  channel.child.reset();
  if (user_namespace.exists()) {
    ASSIGN_OR_RETURN(child, AwaitSuccessor(child, channel.parent), "reaper");
  }
  RETURN_IF_ERROR(AwaitReaper(channel), "reaper");
  return child;
}

}  // namespace trivet::shim
