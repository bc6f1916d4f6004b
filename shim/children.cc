#include "shim/children.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "common/base/error.h"

namespace trivet::shim {
namespace {

constexpr int kSignalBase = 128;

}  // namespace

std::string EndBeforeProgram(const ChildExit& exit) {
  const std::string how = exit.code > kSignalBase
                              ? fmt::format("was killed by signal {}", exit.code - kSignalBase)
                              : "ended";
  return how + " before its program ran";
}

Result<std::unique_ptr<Children>> Children::Watch(EventLoop& loop) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return FailErrno("become a subreaper");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, kExitSignalBeforeExecve);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return FailErrno("block SIGCHLD");
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return FailErrno("signalfd");
  std::unique_ptr<Children> children(new Children(std::move(signals)));
  Children* self = children.get();
  RETURN_IF_ERROR(loop.Add(self->signals_.get(), [self] { self->ReapAll(); }));
  return children;
}

void Children::Expect(pid_t pid, OnExit on_exit) {
  expected_[pid] = std::move(on_exit);
}

void Children::ReapAll() {
  bool executed = false;
  bool unexecuted = false;
  signalfd_siginfo signal{};  // signals of many children may have become one
  while (::read(signals_.get(), &signal, sizeof signal) > 0) {
    (std::cmp_equal(signal.ssi_signo, SIGCHLD) ? executed : unexecuted) = true;
  }
  if (executed) Reap(0);
  if (unexecuted) Reap(__WCLONE);
}

// 0: those whose exit signal is SIGCHLD; __WCLONE: the others.
void Children::Reap(int options) {
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | options) != 0 || info.si_pid == 0) return;
    auto expected = expected_.extract(info.si_pid);
    if (expected.empty()) continue;  // an orphan of a container in the node's PID namespace
    expected.mapped()(
        {.code = info.si_code == CLD_EXITED ? info.si_status : kSignalBase + info.si_status,
         .executed = options == 0});
  }
}

}  // namespace trivet::shim
