#include "shim/pid_namespace.h"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "common/linux/process.h"

namespace trivet::shim {

Result<BornInPidNamespace> BornInPidNamespace::Of(int pidfd) {
  if (pidfd < 0) return BornInPidNamespace(UniqueFd());
  ASSIGN_OR_RETURN(UniqueFd own, OpenPidfd(::getpid()));
  if (::setns(pidfd, CLONE_NEWPID) != 0) return FailErrno("enter PID namespace");
  return BornInPidNamespace(std::move(own));
}

BornInPidNamespace::~BornInPidNamespace() {
  if (own_.valid() && ::setns(own_.get(), CLONE_NEWPID) != 0) std::abort();
}

}  // namespace trivet::shim
