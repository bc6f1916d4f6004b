#include "common/linux/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace trivet {
namespace {

constexpr size_t kStackBytes = size_t{32} << 10;
constexpr int kStandardStreams = 3;

// What failed in the child, for its parent.
#ifdef __SANITIZE_THREAD__
// ThreadSanitizer takes each clone for a fork: a child in the parent's memory would end the
// parent's threads there. So the child has its own, but for this.
constexpr int kMemory = 0;
class Failure {
 public:
  Failure()
      : error_(static_cast<int*>(::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Failure() { ::munmap(error_, sizeof(int)); }
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  int& error() { return *error_; }

 private:
  int* error_;
};
#else
constexpr int kMemory = CLONE_VM;
class Failure {
 public:
  int& error() { return error_; }

 private:
  int error_ = 0;
};
#endif

struct Birth {
  const SpawnPlan& plan;
  Failure failure{};
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
  birth.failure.error() = errno;
  // Not _exit, where ThreadSanitizer reports what it does itself at a fork.
  ::syscall(SYS_exit_group, EXIT_FAILURE);
  __builtin_unreachable();
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
                  kMemory | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &birth, &pidfd);
    if (pid < 0) birth.failure.error() = errno;
  }
  Child child{pid, UniqueFd(pidfd)};
  const int error = birth.failure.error();
  if (error == 0) return child;
  if (pid > 0) RETURN_IF_ERROR(Reap(child.pidfd));
  return std::unexpected(Error::FromErrno(error, fmt::format("start {}", plan.args[0])));
}

}  // namespace trivet
