#include "shim/children.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace trivet::shim {
namespace {

constexpr int kSignalBase = 128;

}  // namespace

Result<std::unique_ptr<Children>> Children::Watch(EventLoop& loop) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return FailErrno("become a subreaper");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
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
  signalfd_siginfo ignored{};  // signals of many children may have become one
  while (::read(signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    auto expected = expected_.extract(info.si_pid);
    if (expected.empty()) continue;  // an orphan of a container in the node's PID namespace
    expected.mapped()(info.si_code == CLD_EXITED ? info.si_status : kSignalBase + info.si_status);
  }
}

}  // namespace trivet::shim
