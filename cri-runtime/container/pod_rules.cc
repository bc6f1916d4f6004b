#include "cri-runtime/container/pod_rules.h"

namespace trivet::container {
namespace {

using sandbox::NamespaceMode;

Result<> CheckNamespace(std::string_view field, NamespaceMode asked, NamespaceMode of_pod) {
  if (asked != NamespaceMode::kNode || of_pod == NamespaceMode::kNode) return {};
  return Fail(Code::kInvalidArgument, "{}: NODE, which the sandbox does not have", field);
}

// Source: moby's and containerd's default OCI specification.
const std::vector<std::string>& DefaultMaskedPaths() {
  static const std::vector<std::string> paths{
      "/proc/acpi",        "/proc/asound",  "/proc/interrupts",
      "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
      "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
      "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap"};
  return paths;
}

const std::vector<std::string>& DefaultReadonlyPaths() {
  static const std::vector<std::string> paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger"};
  return paths;
}

}  // namespace

Result<> CheckPodAllows(const Security& security, const sandbox::Config& pod) {
  if (security.privileged && !pod.privileged && !security.pod_is_privileged) {
    return Fail(Code::kInvalidArgument, "privileged: the sandbox is not");
  }
  const sandbox::Namespaces& asked = security.namespaces;
  RETURN_IF_ERROR(CheckNamespace("network", asked.network, pod.namespaces.network));
  RETURN_IF_ERROR(CheckNamespace("ipc", asked.ipc, pod.namespaces.ipc));
  return CheckNamespace("pid", asked.pid, pod.namespaces.pid);
}

HiddenPaths PathsToHide(const Security& security, const sandbox::Config& pod) {
  HiddenPaths paths{security.masked_paths, security.readonly_paths};
  if (pod.namespaces.user) return paths;
  if (paths.masked.empty()) paths.masked = DefaultMaskedPaths();
  if (paths.readonly.empty()) paths.readonly = DefaultReadonlyPaths();
  return paths;
}

}  // namespace trivet::container
