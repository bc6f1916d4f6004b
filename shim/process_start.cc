#include "shim/process_start.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "common/linux/path_in_root.h"
#include "common/linux/processors.h"
#include "shim/credentials.h"

namespace trivet::shim {
namespace {

constexpr mode_t kUmask = 022;

// HardenProcess has reset all actions, and set one.
void ResetSignals() {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The node's /proc: nothing of the container is mounted yet.
bool WriteOwn(const char* file, const std::string& text) {
  const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int saved_errno = errno;
  ::close(fd);
  errno = saved_errno;
  return written;
}

void SetOomScore(const ProcessPlan& plan, const Reporter& report) {
  const bool written = WriteOwn("/proc/self/oom_score_adj", plan.oom_score_adj);
  // Lowering needs CAP_SYS_RESOURCE, which a nested node may lack; the score is advice.
  report.Check(written || errno == EACCES || errno == EPERM, Step::kOomScore,
               plan.oom_score_adj.c_str());
}

void SetAppArmor(const ProcessPlan& plan, const Reporter& report) {
  if (plan.apparmor.empty()) return;
  constexpr const char* kFile = "/proc/self/attr/apparmor/exec";
  constexpr const char* kOldFile = "/proc/self/attr/exec";
  const bool written =
      WriteOwn(kFile, plan.apparmor) || (errno == ENOENT && WriteOwn(kOldFile, plan.apparmor));
  report.Check(written, Step::kAppArmor, plan.apparmor.c_str());
}

// Of the program to be executed. Source: man 3 setexeccon; the thread's own file, as only a thread
// may write its own.
void SetSelinux(const ProcessPlan& plan, const Reporter& report) {
  if (plan.selinux.empty()) return;
  report.Check(WriteOwn("/proc/thread-self/attr/exec", plan.selinux), Step::kSelinux,
               plan.selinux.c_str());
}

void SetLimits(const ProcessPlan& plan, const Reporter& report) {
  for (const RlimitPlan& limit : plan.rlimits) {
    report.Check(::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &limit.value) == 0,
                 Step::kRlimit);
  }
}

// By descriptor and without magic links: /proc/self/fd/N cannot be a working directory. getcwd
// says "(unreachable)" for one outside of the root (CVE-2024-21626).
void EnterWorkingDirectory(const ProcessPlan& plan, int root_fd, const Reporter& report) {
  constexpr mode_t kMode = 0755;
  const char* path = plan.cwd.front().c_str();
  const int fd = plan.makes_cwd
                     ? async_signal_safe::EnsureDirectoryInRoot(root_fd, path, kMode)
                     : async_signal_safe::OpenInRoot(root_fd, path, O_PATH | O_DIRECTORY, 0);
  report.Check(fd >= 0 && ::fchdir(fd) == 0, Step::kWorkingDirectory, path);
  char real[PATH_MAX];
  const long size = ::syscall(SYS_getcwd, real, sizeof real);
  if (size > 0 && real[0] != '/') errno = ENOTDIR;
  report.Check(size > 0 && real[0] == '/', Step::kWorkingDirectory, path);
}

// The user must be able to open /dev/stdout again, so pipes become the user's.
void OwnPipe(int fd, const ProcessPlan& plan) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return;
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) {
    if (::fchown(fd, plan.uid, plan.gid) != 0) errno = 0;  // a pipe of another owner stays so
  }
}

bool IsNull(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// The null device as the container sees it: a file of the node's mount is not to be seen there, and
// none that a checkpoint could describe. -1: it has none. What is not checked yet must not block.
int OpenNullInRoot(int root_fd, int flags) {
  constexpr const char* kNull = "/dev/null";
  const int path = async_signal_safe::OpenInRoot(root_fd, kNull, O_PATH, 0);
  if (path < 0) return -1;
  const bool good = IsNull(path);
  ::close(path);
  if (!good) return -1;
  const int fd = async_signal_safe::OpenInRoot(root_fd, kNull, flags | O_NONBLOCK | O_NOCTTY, 0);
  if (fd >= 0 && IsNull(fd) && ::fcntl(fd, F_SETFL, 0) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

void WireStdio(const ProcessPlan& plan, int root_fd, const Reporter& report) {
  for (int number = 0; number < 3; ++number) {
    const UniqueFd& fd = plan.stdio[static_cast<size_t>(number)];
    if (!fd.valid()) continue;  // the terminal is there already
    OwnPipe(fd.get(), plan);
    const int own_null =
        IsNull(fd.get()) ? OpenNullInRoot(root_fd, ::fcntl(fd.get(), F_GETFL) & O_ACCMODE) : -1;
    report.Check(::dup2(own_null >= 0 ? own_null : fd.get(), number) == number, Step::kStdio);
  }
}

// Closed, not marked to be: execve walks the program's path, and that of its interpreter, before it
// closes anything, and /proc/self/fd/N/.. would lead out of the root (CVE-2024-21626).
void CloseDescriptors(const Reporter& report) {
  constexpr unsigned kFirst = 3;
  const auto own = static_cast<unsigned>(report.fd());  // a socket, close-on-exec
  const bool closed = (own <= kFirst || ::syscall(SYS_close_range, kFirst, own - 1, 0) == 0) &&
                      ::syscall(SYS_close_range, std::max(own + 1, kFirst), ~0U, 0) == 0;
  report.Check(closed, Step::kStdio);
}

[[noreturn]] void ExecuteFirst(const ProcessPlan& plan, const Reporter& report) {
  int worst = ENOENT;
  for (const std::string& program : plan.programs) {
    ::execve(program.c_str(), plan.argv.data(), plan.envp.data());
    if (!plan.searched) report.Fail(Step::kExecve, program.c_str());
    if (errno == EACCES) worst = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
      report.Fail(Step::kExecve, program.c_str());
    }
  }
  errno = worst;
  report.Fail(Step::kSearchPath, plan.argv[0]);
}

}  // namespace

void JoinCgroups(const ProcessPlan& plan, const Reporter& report) {
  for (const int file : plan.cgroup_procs) {  // "0" is the writer
    report.Check(::write(file, "0", 1) == 1, Step::kJoinCgroup);
  }
}

// A new one without a name. ENOSYS: a kernel without keys; EPERM: an outer container's filter,
// which is the container's, too.
void LeaveKeyring(const Reporter& report) {
  const long keyring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  report.Check(keyring >= 0 || errno == ENOSYS || errno == EPERM, Step::kKeyring);
}

void LeaveTheShim(const ProcessPlan& plan, const Reporter& report) {
  JoinCgroups(plan, report);
  UseAllProcessors();  // of the container's cpuset, whatever the daemon or the shim was told
  ResetSignals();
  SetOomScore(plan, report);
  SetAppArmor(plan, report);
  SetSelinux(plan, report);
  report.Check(::setsid() >= 0, Step::kSession);
  LeaveKeyring(report);
}

void ExecuteOnNode(const ProcessPlan& plan, const Reporter& report) {
  report.Check(::chdir("/") == 0, Step::kWorkingDirectory, "/");
  for (int number = 0; number < 3; ++number) {
    const int fd = plan.stdio[static_cast<size_t>(number)].get();
    report.Check(::dup2(fd, number) == number, Step::kStdio);
  }
  CloseDescriptors(report);
  ::umask(kUmask);
  ExecuteFirst(plan, report);
}

void Execute(const ProcessPlan& plan, int root_fd, const Reporter& report) {
  SetLimits(plan, report);
  EnterWorkingDirectory(plan, root_fd, report);
  WireStdio(plan, root_fd, report);
  CloseDescriptors(report);
  if (plan.is_held) report.AwaitWord();
  ::umask(kUmask);
  TakeCredentials(plan, report);
  ExecuteFirst(plan, report);
}

}  // namespace trivet::shim
