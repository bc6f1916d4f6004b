#include "shim/pid_namespace.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

namespace trivet::shim {

Result<BornInPidNamespace> BornInPidNamespace::Of(int pidfd) {
  if (pidfd < 0) return BornInPidNamespace(UniqueFd());
  UniqueFd own(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));  // close-on-exec
  if (!own.valid()) return FailErrno("pidfd_open of the shim");
  if (::setns(pidfd, CLONE_NEWPID) != 0) return FailErrno("enter PID namespace");
  return BornInPidNamespace(std::move(own));
}

BornInPidNamespace::~BornInPidNamespace() {
  if (own_.valid() && ::setns(own_.get(), CLONE_NEWPID) != 0) std::abort();
}

}  // namespace trivet::shim
