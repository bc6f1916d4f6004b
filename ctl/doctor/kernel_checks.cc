#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/path_in_root.h"
#include "common/linux/process.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/isolated.h"
#include "ctl/doctor/loop_device.h"

namespace trivet::ctl::doctor {
namespace {

constexpr std::string_view kNewerKernel = "run Linux 6.1 or newer";

// "6.1.0-18-amd64" as 601.
int ParseRelease(std::string_view release) {
  int major = 0;
  int minor = 0;
  const char* end = release.data() + release.size();
  const auto parsed = std::from_chars(release.data(), end, major);
  if (parsed.ptr != end) std::from_chars(parsed.ptr + 1, end, minor);
  return major * 100 + minor;
}

Result<Answer> ProbeRelease(const Host& /*host*/) {
  utsname name{};
  if (::uname(&name) != 0) return FailErrno("uname");
  const std::string release = static_cast<const char*>(name.release);
  const bool tested = ParseRelease(release) >= 601;
  return Answer{tested ? State::kOk : State::kLimited,
                tested ? release : release + " is older than the oldest that is tested"};
}

Result<Answer> ProbeClone3(const Host& /*host*/) {
  ASSIGN_OR_RETURN(const Child child, Clone3({}));
  if (child.pid == 0) ::_exit(0);
  RETURN_IF_ERROR(Reap(child.pidfd));
  return Answer{};
}

Result<Answer> ProbePidfd(const Host& /*host*/) {
  RETURN_IF_ERROR(OpenPidfd(::getpid()));
  return Answer{};
}

Result<Answer> ProbeMounts(const Host& /*host*/) {
  ASSIGN_OR_RETURN(const auto tmpfs, DetachedMount::Tmpfs({{"size", "64k"}}));
  ASSIGN_OR_RETURN(auto bind, DetachedMount::Bind("/"));
  RETURN_IF_ERROR(bind.SetAttributes(MOUNT_ATTR_RDONLY));
  return Answer{};
}

Result<> MakeOverlay(const std::filesystem::path& folder) {
  for (const char* name : {"lower", "base", "upper", "work"}) {
    RETURN_IF_ERROR(EnsureDirectory(folder / name));
  }
  RETURN_IF_ERROR(DetachedMount::Overlay({.lower = {folder / "lower", folder / "base"},
                                          .upper = folder / "upper",
                                          .work = folder / "work",
                                          .is_volatile = true}));
  return {};
}

Result<Answer> ProbeOverlay(const Host& /*host*/) {
  RETURN_IF_ERROR(OnScratchMount(MakeOverlay));
  return Answer{};
}

Result<Answer> ProbeOpenat2(const Host& /*host*/) {
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return FailErrno("open /");
  RETURN_IF_ERROR(OpenInRoot(root.get(), "proc", O_PATH | O_DIRECTORY));
  return Answer{};
}

Result<Answer> ProbeSeccomp(uint32_t action) {
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) {
    return FailErrno("seccomp");
  }
  return Answer{};
}

}  // namespace

std::vector<Check> KernelChecks() {
  const std::string newer(kNewerKernel);
  const auto seccomp = [](uint32_t action) {
    return [action](const Host& /*host*/) { return ProbeSeccomp(action); };
  };
  return {
      {"kernel", "release", Need::kRequired, "everything", newer, ProbeRelease},
      {"kernel", "clone3", Need::kRequired, "starting containers", newer, ProbeClone3},
      {"kernel", "pidfd", Need::kRequired, "waiting for and signalling containers", newer,
       ProbePidfd},
      {"kernel", "mount API (fsopen, open_tree, mount_setattr)", Need::kRequired,
       "root file systems and volumes that are never visible half-made", newer, ProbeMounts},
      {"kernel", "overlayfs by fsopen", Need::kRequired, "container root file systems",
       "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS", ProbeOverlay},
      {"kernel", "openat2", Need::kRequired, "paths inside containers that cannot lead out", newer,
       ProbeOpenat2},
      {"kernel", "seccomp filters", Need::kRequired, "the default seccomp profile",
       "a kernel with CONFIG_SECCOMP_FILTER", seccomp(SECCOMP_RET_ERRNO)},
      {"kernel", "seccomp notify", Need::kOptional, "seccomp profiles with SCMP_ACT_NOTIFY", newer,
       seccomp(SECCOMP_RET_USER_NOTIF)},
      {"kernel", "loop devices by LOOP_CONFIGURE", Need::kOptional,
       "file-backed volumes (trivet-csi)", "modprobe loop; Linux 5.8 or newer", ProbeLoopDevice},
  };
}

}  // namespace trivet::ctl::doctor
