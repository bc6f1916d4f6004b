#include "shim/pid_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

namespace trivet::shim {

Result<BornInPidNamespace> BornInPidNamespace::Of(int pidfd) {
  if (pidfd < 0) return BornInPidNamespace(UniqueFd());
  UniqueFd own(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!own.valid()) return FailErrno("open /proc/self/ns/pid");
  if (::setns(pidfd, CLONE_NEWPID) != 0) return FailErrno("enter PID namespace");
  return BornInPidNamespace(std::move(own));
}

BornInPidNamespace::~BornInPidNamespace() {
  if (own_.valid() && ::setns(own_.get(), CLONE_NEWPID) != 0) std::abort();
}

}  // namespace trivet::shim
