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
  return {};
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
int FlagsOf(const SandboxSpec& spec) {
  int flags = 0;
  if (spec.network == NamespaceMode::kPod) flags |= CLONE_NEWNET;
  if (spec.ipc == NamespaceMode::kPod) flags |= CLONE_NEWIPC;
  if (!spec.hostname.empty()) flags |= CLONE_NEWUTS;
  return flags;
}

}  // namespace

Result<> MakePodNamespaces(const SandboxSpec& spec) {
  RETURN_IF_ERROR(CheckModes(spec));
  ASSIGN_OR_RETURN(const std::vector<Sysctl> sysctls, ParseSysctls(spec));
  if (::unshare(FlagsOf(spec)) != 0) return FailErrno("make the pod's namespaces");
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.c_str(), spec.hostname.size()) != 0) {
    return FailErrno("set host name {}", spec.hostname);
  }
  RETURN_IF_ERROR(WriteSysctls(sysctls));
  if (spec.network != NamespaceMode::kPod) return {};
  RETURN_IF_ERROR(SetLoopbackUp());
  if (spec.netns_path.empty()) return {};
  return PinNetworkNamespace(spec.netns_path);
}

}  // namespace trivet::shim
