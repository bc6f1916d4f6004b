#include "common/linux/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace trivet {
namespace {

constexpr size_t kStackBytes = size_t{32} << 10;
constexpr int kStandardStreams = 3;

struct Birth {
  const SpawnPlan& plan;
  int error = 0;  // of what failed in the child
};

// Handlers go with execve, ignored signals do not. It refuses the C library's own two.
void MakeSignalsDefault() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool IsNamed(const SpawnPlan& plan, int number) {
  return std::ranges::any_of(plan.fds, [&](const auto& fd) { return fd.first == number; });
}

bool InheritDescriptors(const SpawnPlan& plan) {
  for (int number = 0; number < kStandardStreams; ++number) {
    if (IsNamed(plan, number)) continue;
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || (null != number && ::dup2(null, number) < 0)) return false;
    if (null == number && ::fcntl(null, F_SETFD, 0) != 0) return false;
  }
  for (const auto& [number, fd] : plan.fds) {
    if (::dup2(fd.get(), number) < 0) return false;
  }
  return ::close_range(static_cast<unsigned>(plan.above), ~0U, 0) == 0;
}

// In the child, with all signals blocked.
int BeBorn(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  const SpawnPlan& plan = birth.plan;
  ::setsid();
  if (InheritDescriptors(plan)) {
    MakeSignalsDefault();
    ::execve(plan.program, plan.args, plan.environment);
  }
  birth.error = errno;
  ::_exit(EXIT_FAILURE);
}

// A signal's handler in the child would work in the memory of this process.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Result<Child> Spawn(const SpawnPlan& plan) {
  alignas(16) std::array<std::byte, kStackBytes> stack;  // uninitialised: of it, two pages are used
  Birth birth{plan};
  int pidfd = -1;
  pid_t pid = -1;
  {
    const BlockedSignals blocked;
    pid = ::clone(BeBorn, stack.data() + stack.size(),
                  CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &birth, &pidfd);
    if (pid < 0) birth.error = errno;
  }
  Child child{pid, UniqueFd(pidfd)};
  if (birth.error == 0) return child;
  if (pid > 0) RETURN_IF_ERROR(Reap(child.pidfd));
  return std::unexpected(Error::FromErrno(birth.error, fmt::format("start {}", plan.args[0])));
}

}  // namespace trivet
