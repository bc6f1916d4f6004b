#include "common/linux/process.h"

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "common/linux/file.h"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgot extern "C"
}

namespace trivet {
namespace {

// Source: man 5 proc: the name in field 2 may hold spaces and parentheses, so fields are counted
// from the last ')'.
Result<uint64_t> ParseStartTime(std::string_view stat) {
  constexpr int kStateField = 3;
  constexpr int kStartTimeField = 22;
  size_t at = stat.rfind(')');
  for (int field = kStateField; at != std::string_view::npos && field <= kStartTimeField; ++field) {
    at = stat.find(' ', at + 1);
  }
  uint64_t ticks = 0;
  if (at == std::string_view::npos ||
      std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), ticks).ec != std::errc{}) {
    return Fail(Code::kInternal, "unexpected content");
  }
  return ticks;
}

int ExitCodeOf(const siginfo_t& info) {
  constexpr int kSignalBase = 128;
  return info.si_code == CLD_EXITED ? info.si_status : kSignalBase + info.si_status;
}

Result<std::optional<int>> ReapWith(const UniqueFd& pidfd, int options) {
  siginfo_t info{};
  int result = -1;
  do {
    result = ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                      WEXITED | __WALL | options);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return FailErrno("wait for a process");
  if (info.si_pid == 0) return std::nullopt;
  return ExitCodeOf(info);
}

}  // namespace

Result<Child> Clone3(const CloneFlags& options) {
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  // With CLONE_PARENT it is the caller's own.
  args.exit_signal =
      (options.flags & CLONE_PARENT) == 0 ? static_cast<uint64_t>(options.exit_signal) : 0;
  if (options.cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(options.cgroup_fd);
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid < 0) return FailErrno("clone3");
  if (pid == 0) return Child{};
  return Child{pid, UniqueFd(pidfd)};
}

Result<UniqueFd> OpenPidfd(pid_t pid) {
  UniqueFd pidfd(::pidfd_open(pid, 0));
  if (!pidfd.valid()) return FailErrno("pidfd_open {}", pid);
  return pidfd;
}

Result<> SendSignal(const UniqueFd& pidfd, int signal) {
  if (::pidfd_send_signal(pidfd.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return FailErrno("send signal {}", signal);
}

bool HasExecuted(const UniqueFd& pidfd) {
  siginfo_t info{};
  return ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                  WEXITED | WNOHANG | WNOWAIT | __WCLONE) != 0;
}

Result<std::optional<int>> Reap(const UniqueFd& pidfd, std::chrono::milliseconds timeout) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&ended, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0) return ReapWith(pidfd, 0);
    if (ready == 0) return ReapWith(pidfd, WNOHANG);
    if (errno != EINTR) return FailErrno("poll a pidfd");
  }
}

Result<int> Reap(const UniqueFd& pidfd) {
  ASSIGN_OR_RETURN(const std::optional<int> exit_code, ReapWith(pidfd, 0));
  return exit_code.value_or(0);
}

Result<uint64_t> ReadStartTime(pid_t pid, const std::filesystem::path& proc) {
  const std::filesystem::path file = proc / std::to_string(pid) / "stat";
  ASSIGN_OR_RETURN(const std::string stat, ReadFile(file));
  ASSIGN_OR_RETURN(const uint64_t ticks, ParseStartTime(stat), file.native());
  return ticks;
}

}  // namespace trivet
