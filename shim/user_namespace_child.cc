#include "shim/user_namespace_child.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trivet::shim {
namespace {

// A PID namespace belongs to the user namespace of the process that makes it, and the shim must be
// the parent of its first process: CLONE_PARENT. That process waits until the shim knows of it, so
// that nothing it reports comes before.
void HandOverToPidOne(const Reporter& report) {
  clone_args args{};
  args.flags = CLONE_NEWPID | CLONE_PARENT;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  report.Check(pid >= 0, Step::kUserNamespace, "clone3");
  if (pid > 0) {
    report.SendSuccessor(pid);
    ::_exit(0);
  }
  char known = 0;
  if (::recv(report.fd(), &known, sizeof known, 0) != sizeof known) ::_exit(1);
  report.Check(::setsid() >= 0, Step::kSession);
}

}  // namespace

void OwnStdio(const ProcessPlan& plan, const Reporter& report) {
  if (plan.user_namespace.fd < 0) return;
  for (const UniqueFd& fd : plan.stdio) {
    struct stat status{};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) continue;
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) continue;
    const bool owned =
        ::fchown(fd.get(), plan.user_namespace.stdio_owner, plan.user_namespace.stdio_group) == 0;
    report.Check(owned, Step::kStdio);
  }
}

void EnterUserNamespace(const ProcessPlan& plan, const Reporter& report) {
  if (plan.user_namespace.fd < 0) return;
  report.Check(::setns(plan.user_namespace.fd, CLONE_NEWUSER) == 0, Step::kUserNamespace);
  if (plan.user_namespace.new_pid_namespace) HandOverToPidOne(report);
}

void BecomeRootOfUserNamespace(const ProcessPlan& plan, const Reporter& report) {
  if (plan.user_namespace.fd < 0) return;
  const bool root = ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
                    ::syscall(SYS_setresgid, 0, 0, 0) == 0 &&
                    ::syscall(SYS_setresuid, 0, 0, 0) == 0;
  report.Check(root, Step::kUserNamespace);
}

Result<Child> AwaitSuccessor(const Child& first, const UniqueFd& report) {
  ASSIGN_OR_RETURN(const Report said, ReadReport(report.get()));
  if (const auto* failure = std::get_if<Failure>(&said)) return std::unexpected(ToError(*failure));
  const auto* successor = std::get_if<Successor>(&said);
  if (successor == nullptr) return Fail(Code::kInternal, "the first process ended too early");
  RETURN_IF_ERROR(Reap(first.pidfd));
  Child child{.pid = successor->pid};
  ASSIGN_OR_RETURN(child.pidfd, OpenPidfd(successor->pid));
  const char known = 'k';
  if (::send(report.get(), &known, sizeof known, MSG_NOSIGNAL) == sizeof known) return child;
  return FailErrno("tell the first process");
}

}  // namespace trivet::shim
