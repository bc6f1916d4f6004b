#include <fcntl.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/process.h"
#include "ctl/doctor/check.h"
#include "ctl/doctor/existing.h"
#include "ctl/doctor/isolated.h"

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

// Good as long as it is open.
Result<UniqueFd> MakeMappedUserNamespace() {
  ASSIGN_OR_RETURN(Child child, StartHolder(CLONE_NEWUSER));
  const Holder holder(std::move(child));
  for (const char* map : {"uid_map", "gid_map"}) {
    RETURN_IF_ERROR(WriteControlFile(holder.Proc(map), "0 100000 65536"));
  }
  UniqueFd user_namespace(::open(holder.Proc("ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!user_namespace.valid()) return FailErrno("open user namespace");
  return user_namespace;
}

Result<Answer> ProbeIdMappedMount(const Host& host) {
  const auto folder = NearestExisting(host.state);
  ASSIGN_OR_RETURN(const UniqueFd user_namespace, MakeMappedUserNamespace());
  ASSIGN_OR_RETURN(auto bind, DetachedMount::Bind(folder));
  RETURN_IF_ERROR(bind.SetIdMapping(user_namespace.get()), folder.native());
  return Answer{.detail = folder.native()};
}

Result<> MountOver(DetachedMount layer, const UniqueFd& user_namespace,
                   const std::filesystem::path& scratch) {
  for (const char* name : {"layer", "upper", "work"}) {
    RETURN_IF_ERROR(EnsureDirectory(scratch / name));
  }
  RETURN_IF_ERROR(std::move(layer).AttachTo(scratch / "layer"));
  RETURN_IF_ERROR(DetachedMount::Overlay({.lower = {scratch / "layer"},
                                          .upper = scratch / "upper",
                                          .work = scratch / "work",
                                          .user_namespace_fd = user_namespace.get()}));
  return {};
}

// The state folder, with other owners, below a folder of the scratch mount.
Result<Answer> ProbeIdMappedLayers(const Host& host) {
  ASSIGN_OR_RETURN(const UniqueFd user_namespace, MakeMappedUserNamespace());
  ASSIGN_OR_RETURN(auto layer, DetachedMount::Bind(NearestExisting(host.state)));
  RETURN_IF_ERROR(OnScratchMount([&](const std::filesystem::path& scratch) {
    return MountOver(std::move(layer), user_namespace, scratch);
  }));
  return Answer{};
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
      {"namespaces", "overlay over idmapped layers", Need::kOptional,
       "images of pods with hostUsers: false",
       "run Linux 5.19 or newer, and put the state folder on ext4, xfs or btrfs",
       ProbeIdMappedLayers},
  };
}

}  // namespace trivet::ctl::doctor
