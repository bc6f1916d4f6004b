#include "shim/namespaces.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "common/base/unique_fd.h"
#include "shim/netns_pin.h"
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
  if (spec.uids.length == 0 && spec.gids.length == 0) return {};
  const bool own = spec.network == NamespaceMode::kPod && spec.ipc == NamespaceMode::kPod &&
                   spec.pid != NamespaceMode::kNode && !spec.hostname.empty();
  if (own && spec.uids.length > 0 && spec.gids.length > 0) return {};
  return Fail(Code::kInvalidArgument,
              "uids and gids: a user namespace needs both, and all namespaces of the pod's own");
}

Result<> SetLoopbackUp() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return FailErrno("set lo up");
  return {};
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
  if (spec.network == NamespaceMode::kPod) flags |= CLONE_NEWNET;
  if (spec.ipc == NamespaceMode::kPod) flags |= CLONE_NEWIPC;
  if (!spec.hostname.empty()) flags |= CLONE_NEWUTS;
  return flags;
}

Result<UserNamespace> EnterNamespaces(const SandboxSpec& spec) {
  ASSIGN_OR_RETURN(const std::vector<Sysctl> sysctls, ParseSysctls(spec));
  if (spec.uids.length > 0) return UserNamespace::Make(spec, FlagsOf(spec), sysctls);
  if (::unshare(static_cast<int>(FlagsOf(spec))) != 0) {
    return FailErrno("make the pod's namespaces");
  }
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
  if (spec.network != NamespaceMode::kPod) return user_namespace;
  RETURN_IF_ERROR(SetLoopbackUp());
  if (!spec.netns_path.empty()) RETURN_IF_ERROR(PinNetworkNamespace(spec.netns_path));
  return user_namespace;
}

}  // namespace trivet::shim
