#include "shim/self_protection.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"

namespace trivet::shim {
namespace {

constexpr const char* kOwnProgram = "/proc/self/exe";
constexpr const char* kOomScoreAdj = "-998";

Result<bool> RunsReadOnly() {
  struct statvfs status{};
  if (::statvfs(kOwnProgram, &status) != 0) return FailErrno("stat {}", kOwnProgram);
  return (status.f_flag & ST_RDONLY) != 0;
}

// The system call itself: glibc's sigaction refuses 32 and 33, which whoever started the shim may
// have ignored. All zeros is SIG_DFL.
void ResetSignalActions() {
  constexpr int kSignals = 64;
  constexpr size_t kKernelSetBytes = 8;
  const unsigned long action[4] = {};  // struct kernel_sigaction
  for (int signal = 1; signal <= kSignals; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, action, nullptr, kKernelSetBytes);
  }
}

}  // namespace

Result<> EnsureReadOnlyProgram(char* const* argv) {
  ASSIGN_OR_RETURN(const bool done, RunsReadOnly());
  if (done) return {};
  const UniqueFd program(::open(kOwnProgram, O_PATH | O_CLOEXEC));
  if (!program.valid()) return FailErrno("open {}", kOwnProgram);
  ASSIGN_OR_RETURN(DetachedMount mount, DetachedMount::Bind(program.get()), "own program");
  RETURN_IF_ERROR(mount.SetAttributes(MOUNT_ATTR_RDONLY), "own program");
  ::execveat(mount.fd(), "", argv, environ, AT_EMPTY_PATH);
  return FailErrno("run {} from a read-only mount", kOwnProgram);
}

Result<> HardenProcess() {
  constexpr int kStandard = 3;
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd < kStandard);
  if (fd < 0) return FailErrno("open /dev/null");
  ::close(fd);
  ResetSignalActions();
  ::signal(SIGPIPE, SIG_IGN);
  // Lowering needs CAP_SYS_RESOURCE, which a nested node may lack: then it is as it was started.
  const auto scored = WriteControlFile("/proc/self/oom_score_adj", kOomScoreAdj);
  if (!scored && scored.error().sys_errno() != EACCES && scored.error().sys_errno() != EPERM) {
    return scored;
  }
  // Run by descriptor, the kernel may have named it after that.
  ::prctl(PR_SET_NAME, "trivet-shim", 0, 0, 0);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("become not dumpable");
  if (::chdir("/") != 0) return FailErrno("chdir /");
  return {};
}

}  // namespace trivet::shim
