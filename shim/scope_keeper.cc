#include "shim/scope_keeper.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/linux/file.h"
#include "shim/self_protection.h"

namespace trivet::shim {
namespace {

// Also not when its group is killed as one (memory.oom.group): the scope would go with it.
// Source: Documentation/admin-guide/cgroup-v2.rst, memory.oom.group.
constexpr const char* kNeverKilled = "-1000";

[[noreturn]] void Keep() {
  const std::string pid = std::to_string(::getpid());
  ::setsid();
  const bool hardened = HardenProcess().has_value();
  ::prctl(PR_SET_NAME, "trivet-scope", 0, 0, 0);
  // Without the privilege for it, it can be chosen: then the scope may go early, no more.
  static_cast<void>(WriteControlFile("/proc/self/oom_score_adj", kNeverKilled));
  const bool ready = hardened && WriteAll(STDOUT_FILENO, pid, "stdout");
  ::close(STDOUT_FILENO);
  char command = 0;
  if (!ready || ::read(STDIN_FILENO, &command, 1) != 1) ::_exit(EXIT_FAILURE);
  ::syscall(SYS_close_range, 0U, ~0U, 0);
  while (true) ::pause();
}

}  // namespace

Result<> LeaveScopeKeeper() {
  const pid_t pid = ::fork();
  if (pid == 0) Keep();
  if (pid < 0) return FailErrno("fork");
  return {};
}

}  // namespace trivet::shim
