#include <fcntl.h>
#include <fmt/ranges.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/process.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/existing.h"

namespace trivet::ctl::doctor {
namespace {

Result<Answer> ProbeNamespaces(const Host& host) {
  std::vector<std::string> missing;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "uts"}) {
    if (!std::filesystem::exists(host.Proc("self/ns") / name)) missing.emplace_back(name);
  }
  if (missing.empty()) return Answer{};
  return Answer{State::kMissing, fmt::format("no {}", fmt::join(missing, ", "))};
}

// A child that holds its namespaces open until it is killed.
Result<Child> StartHolder(uint64_t flags) {
  ASSIGN_OR_RETURN(Child child, Clone3({.flags = flags}));
  if (child.pid == 0) {
    ::pause();
    ::_exit(0);
  }
  return child;
}

class Holder {
 public:
  explicit Holder(Child child) : child_(std::move(child)) {}
  ~Holder() {
    if (SendSignal(child_.pidfd, SIGKILL)) static_cast<void>(Reap(child_.pidfd).has_value());
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  [[nodiscard]] std::filesystem::path Proc(const char* name) const {
    return std::filesystem::path("/proc") / std::to_string(child_.pid) / name;
  }

 private:
  Child child_;
};

Result<Answer> ProbeUserNamespace(const Host& /*host*/) {
  ASSIGN_OR_RETURN(const Child child, Clone3({.flags = CLONE_NEWUSER}));
  if (child.pid == 0) ::_exit(0);
  RETURN_IF_ERROR(Reap(child.pidfd));
  return Answer{};
}

Result<> MapIds(const UniqueFd& mount, const Holder& holder) {
  const UniqueFd user_namespace(::open(holder.Proc("ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!user_namespace.valid()) return FailErrno("open user namespace");
  mount_attr attributes{.attr_set = MOUNT_ATTR_IDMAP,
                        .userns_fd = static_cast<uint64_t>(user_namespace.get())};
  if (::syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &attributes,
                sizeof attributes) != 0) {
    return FailErrno("mount_setattr");
  }
  return {};
}

Result<Answer> ProbeIdMappedMount(const Host& host) {
  const auto folder = NearestExisting(host.state);
  ASSIGN_OR_RETURN(Child child, StartHolder(CLONE_NEWUSER));
  const Holder holder(std::move(child));
  for (const char* map : {"uid_map", "gid_map"}) {
    RETURN_IF_ERROR(WriteControlFile(holder.Proc(map), "0 100000 65536"));
  }
  ASSIGN_OR_RETURN(auto bind, DetachedMount::Bind(folder));
  RETURN_IF_ERROR(MapIds(std::move(bind).TakeFd(), holder), folder.native());
  return Answer{.detail = folder.native()};
}

}  // namespace

std::vector<Check> NamespaceChecks() {
  return {
      {"namespaces", "cgroup, ipc, mnt, net, pid, uts", Need::kRequired, "isolating pods",
       "a kernel with CONFIG_NAMESPACES and all kinds of them", ProbeNamespaces},
      {"namespaces", "user", Need::kOptional, "pods with hostUsers: false",
       "sysctl -w user.max_user_namespaces=15000; a kernel with CONFIG_USER_NS",
       ProbeUserNamespace},
      {"namespaces", "idmapped mounts of the state folder", Need::kOptional,
       "pods with hostUsers: false", "put the state folder on ext4, xfs or btrfs",
       ProbeIdMappedMount},
  };
}

}  // namespace trivet::ctl::doctor
