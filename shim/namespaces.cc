#include "shim/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/unique_fd.h"
#include "common/linux/netns_pin.h"
#include "shim/sysctl.h"

namespace trivet::shim {
namespace {

Result<> CheckModes(const SandboxSpec& spec) {
  for (const NamespaceMode mode : {spec.network, spec.ipc}) {
    if (mode != NamespaceMode::kNode && mode != NamespaceMode::kPod) {
      return Fail(Code::kInvalidArgument, "network and ipc: mode {} is for PID namespaces only",
                  static_cast<int>(mode));
    }
  }
  const bool has_user = spec.uids.length > 0 || spec.gids.length > 0;
  if (spec.netns_is_made &&
      (has_user || spec.network != NamespaceMode::kPod || spec.netns_path.empty())) {
    return Fail(Code::kInvalidArgument,
                "netns_is_made: needs netns_path, a network of the pod's and no user namespace");
  }
  if (!has_user) return {};
  const bool own = spec.network == NamespaceMode::kPod && spec.ipc == NamespaceMode::kPod &&
                   spec.pid != NamespaceMode::kNode && !spec.hostname.empty();
  if (own && spec.uids.length > 0 && spec.gids.length > 0) return {};
  return Fail(Code::kInvalidArgument,
              "uids and gids: a user namespace needs both, and all namespaces of the pod's own");
}

Result<std::vector<Sysctl>> ParseSysctls(const SandboxSpec& spec) {
  std::vector<Sysctl> sysctls;
  for (const std::string& text : spec.sysctls) {
    ASSIGN_OR_RETURN(Sysctl sysctl, ParseSysctl(text, spec));
    sysctls.push_back(std::move(sysctl));
  }
  return sysctls;
}

// A pod in the node's network has the node's name, too.
uint64_t FlagsOf(const SandboxSpec& spec) {
  uint64_t flags = 0;
  if (spec.network == NamespaceMode::kPod && !spec.netns_is_made) flags |= CLONE_NEWNET;
  if (spec.ipc == NamespaceMode::kPod) flags |= CLONE_NEWIPC;
  if (!spec.hostname.empty()) flags |= CLONE_NEWUTS;
  return flags;
}

Result<> EnterMadeNetwork(const SandboxSpec& spec) {
  if (!spec.netns_is_made) return {};
  const UniqueFd netns(::open(spec.netns_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return FailErrno("open network namespace {}", spec.netns_path);
  if (::setns(netns.get(), CLONE_NEWNET) == 0) return {};
  return FailErrno("enter network namespace {}", spec.netns_path);
}

Result<UserNamespace> EnterNamespaces(const SandboxSpec& spec) {
  ASSIGN_OR_RETURN(const std::vector<Sysctl> sysctls, ParseSysctls(spec));
  if (spec.uids.length > 0) return UserNamespace::Make(spec, FlagsOf(spec), sysctls);
  if (::unshare(static_cast<int>(FlagsOf(spec))) != 0) {
    return FailErrno("make the pod's namespaces");
  }
  RETURN_IF_ERROR(EnterMadeNetwork(spec));
  RETURN_IF_ERROR(WriteSysctls(sysctls));
  return UserNamespace();
}

}  // namespace

Result<UserNamespace> MakePodNamespaces(const SandboxSpec& spec) {
  RETURN_IF_ERROR(CheckModes(spec));
  ASSIGN_OR_RETURN(UserNamespace user_namespace, EnterNamespaces(spec));
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.c_str(), spec.hostname.size()) != 0) {
    return FailErrno("set host name {}", spec.hostname);
  }
  if (spec.network != NamespaceMode::kPod || spec.netns_is_made) return user_namespace;
  RETURN_IF_ERROR(SetLoopbackUp());
  if (spec.netns_path.empty()) return user_namespace;
  RETURN_IF_ERROR(MakePinFolder(std::filesystem::path(spec.netns_path).parent_path()));
  RETURN_IF_ERROR(PinNetworkNamespace(spec.netns_path));
  return user_namespace;
}

}  // namespace trivet::shim
