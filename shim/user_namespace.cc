#include "shim/user_namespace.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/process.h"
#include "common/linux/user_namespace.h"
#include "shim/report.h"

namespace trivet::shim {
namespace {

// The first process of the namespace. It waits for its ids, writes what only its root may, and is
// gone: the namespaces are held open by the shim.
[[noreturn]] void PrepareInside(const std::vector<Sysctl>& sysctls, int proc_fd, int report_fd) {
  const Reporter report(report_fd);
  char mapped = 0;
  if (::recv(report_fd, &mapped, sizeof mapped, 0) != sizeof mapped) ::_exit(1);
  report.Check(::syscall(SYS_setresgid, 0, 0, 0) == 0 && ::syscall(SYS_setresuid, 0, 0, 0) == 0,
               Step::kUserNamespace);
  for (const Sysctl& sysctl : sysctls) {
    if (const auto written = WriteSysctl(proc_fd, sysctl); !written) {
      errno = written.error().sys_errno();
      report.Fail(Step::kSysctl, sysctl.path.c_str());
    }
  }
  ::_exit(0);
}

Result<> WriteMap(pid_t pid, const char* name, const IdRange& range) {
  return WriteControlFile("/proc/" + std::to_string(pid) + "/" + name,
                          fmt::format("0 {} {}", range.host_id, range.length));
}

// Lets the first process go on and takes what it says.
Result<> AwaitPrepared(const ReportChannel& channel) {
  const char mapped = 'm';
  if (::send(channel.parent.get(), &mapped, sizeof mapped, MSG_NOSIGNAL) != sizeof mapped) {
    return FailErrno("tell the first process of the user namespace");
  }
  ASSIGN_OR_RETURN(const Report report, ReadReport(channel.parent.get()));
  if (const auto* failure = std::get_if<Failure>(&report)) {
    return std::unexpected(ToError(*failure));
  }
  return {};
}

Result<> Join(const Child& first, const SandboxSpec& spec, uint64_t flags) {
  RETURN_IF_ERROR(WriteMap(first.pid, "uid_map", spec.uids), "user namespace");
  RETURN_IF_ERROR(WriteMap(first.pid, "gid_map", spec.gids), "user namespace");
  if (::setns(first.pidfd.get(), static_cast<int>(flags)) != 0) {
    return FailErrno("enter the namespaces of the user namespace");
  }
  return {};
}

Result<uint32_t> OnNode(const IdRange& range, uint32_t id, std::string_view what) {
  if (id < range.length) return range.host_id + id;
  return Fail(Code::kInvalidArgument, "{} {} is not in the pod's user namespace, 0 to {}", what, id,
              range.length - 1);
}

// The group of terminals, which a short range does not have.
void LeaveOutGroup(MountPlan& mount, const IdRange& gids) {
  constexpr uint32_t kTty = 5;
  if (mount.file_system != "devpts" || gids.length > kTty) return;
  std::erase_if(mount.options, [](const auto& option) { return option.first == "gid"; });
}

}  // namespace

Result<UserNamespace> UserNamespace::Make(const SandboxSpec& spec, uint64_t flags,
                                          const std::vector<Sysctl>& sysctls) {
  ASSIGN_OR_RETURN(const DetachedMount proc, DetachedMount::New("proc"), "sysctls");
  ASSIGN_OR_RETURN(ReportChannel channel, MakeReportChannel());
  ASSIGN_OR_RETURN(const Child first, Clone3({.flags = flags | CLONE_NEWUSER}), "user namespace");
  if (first.pid == 0) {
    channel.parent.reset();
    PrepareInside(sysctls, proc.fd(), channel.child.get());
  }
  channel.child.reset();
  auto joined = Join(first, spec, flags);
  if (joined) joined = AwaitPrepared(channel);
  channel.parent.reset();  // ends it when it still waits
  RETURN_IF_ERROR(Reap(first.pidfd));
  RETURN_IF_ERROR(std::move(joined));
  ASSIGN_OR_RETURN(UniqueFd fd, OpenOwningUserNamespace("/proc/self/ns/net"));
  return UserNamespace(std::move(fd), spec.uids, spec.gids);
}

Result<> UserNamespace::Place(ProcessPlan& plan) const {
  if (!exists()) return {};
  plan.user_namespace.fd = fd_.get();
  ASSIGN_OR_RETURN(plan.user_namespace.stdio_owner, OnNode(uids_, plan.uid, "user"));
  ASSIGN_OR_RETURN(plan.user_namespace.stdio_group, OnNode(gids_, plan.gid, "group"));
  for (const gid_t group : plan.groups) RETURN_IF_ERROR(OnNode(gids_, group, "group"));
  return {};
}

Result<> UserNamespace::Place(InitPlan& plan) const {
  if (!exists()) return {};
  RETURN_IF_ERROR(Place(plan.process), "process");
  for (MountPlan& mount : plan.mounts) {
    LeaveOutGroup(mount, gids_);
    if (!mount.is_dev) continue;
    // It is made before the namespace is entered: no device can be made after that.
    mount.options.emplace_back("uid", std::to_string(uids_.host_id));
    mount.options.emplace_back("gid", std::to_string(gids_.host_id));
  }
  return {};
}

}  // namespace trivet::shim
