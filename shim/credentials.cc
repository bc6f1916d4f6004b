#include "shim/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace trivet::shim {
namespace {

struct CapabilitySets {
  uint64_t permitted = 0;
  uint64_t effective = 0;
  uint64_t inheritable = 0;
};

constexpr unsigned kHalf = 32;

bool SetCapabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned half : {0U, 1U}) {
    data[half].permitted = static_cast<uint32_t>(sets.permitted >> (kHalf * half));
    data[half].effective = static_cast<uint32_t>(sets.effective >> (kHalf * half));
    data[half].inheritable = static_cast<uint32_t>(sets.inheritable >> (kHalf * half));
  }
  return ::syscall(SYS_capset, &header, data) == 0;
}

bool RaiseEverything() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (auto& half : data) half.effective = half.permitted;
  return ::syscall(SYS_capset, &header, data) == 0;
}

void DropBounding(uint64_t keep, const Reporter& report) {
  for (unsigned cap = 0; cap < 64; ++cap) {
    if ((keep >> cap & 1) != 0) continue;
    const bool dropped = ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0;
    if (!dropped && errno == EINVAL) return;  // beyond the last capability
    report.Check(dropped, Step::kCapabilities);
  }
}

// The system calls themselves: glibc's wrappers synchronise threads, which a child does not have.
void BecomeUser(const ProcessPlan& plan, const Reporter& report) {
  report.Check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, Step::kUser);
  report.Check(::syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) == 0, Step::kUser);
  report.Check(::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) == 0, Step::kUser);
  report.Check(::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0, Step::kUser);
  report.Check(::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0, Step::kUser);
}

void LoadSeccomp(const ProcessPlan& plan, const Reporter& report) {
  if (plan.seccomp.empty()) return;
  const sock_fprog program{.len = static_cast<unsigned short>(plan.seccomp.size()),
                           .filter = const_cast<sock_filter*>(plan.seccomp.data())};
  report.Check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, Step::kSeccomp);
}

void SetFinalCapabilities(const ProcessPlan& plan, const Reporter& report) {
  // Inheritable is what ambient needs and nothing else (CVE-2022-29162, CVE-2022-27650).
  const CapabilitySets sets{.permitted = plan.effective_caps,
                            .effective = plan.effective_caps,
                            .inheritable = plan.ambient_caps};
  report.Check(SetCapabilities(sets), Step::kCapabilities);
  for (unsigned cap = 0; cap < 64; ++cap) {
    if ((plan.ambient_caps >> cap & 1) == 0) continue;
    report.Check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0,
                 Step::kCapabilities);
  }
}

}  // namespace

void TakeCredentials(const ProcessPlan& plan, const Reporter& report) {
  DropBounding(plan.bounding_caps, report);
  BecomeUser(plan, report);
  if (plan.no_new_privs) {
    SetFinalCapabilities(plan, report);
    report.Check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, Step::kNoNewPrivs);
    LoadSeccomp(plan, report);
    return;
  }
  // Without no_new_privs a filter needs CAP_SYS_ADMIN: it is loaded while that is still there. What
  // follows passes through it: capset and prctl, then execve.
  report.Check(RaiseEverything(), Step::kCapabilities);
  LoadSeccomp(plan, report);
  SetFinalCapabilities(plan, report);
}

}  // namespace trivet::shim
