#include "shim/reaper.h"

#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/process_plan.h"

namespace trivet::shim {
namespace {

// In the child, for ever. As PID 1 it gets no signal it has no handler for, but KILL from outside.
[[noreturn]] void Reap(const std::vector<UniqueFd>& procs_files) {
  for (const UniqueFd& file : procs_files) {
    if (::write(file.get(), "0", 1) != 1) ::_exit(1);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::prctl(PR_SET_NAME, "trivet-pause", 0, 0, 0);
  ::setsid();
  ::syscall(SYS_close_range, 0U, ~0U, 0);
  if (::chdir("/") != 0) ::_exit(1);
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

}  // namespace

Result<Child> StartReaper(const std::vector<std::string>& cgroup_procs) {
  ASSIGN_OR_RETURN(const std::vector<UniqueFd> procs_files, OpenProcsFiles(cgroup_procs),
                   "cgroup_procs");
  ASSIGN_OR_RETURN(Child child, Clone3({.flags = CLONE_NEWPID}), "reaper");
  if (child.pid == 0) Reap(procs_files);
  return child;
}

}  // namespace trivet::shim
