#include "cri-runtime/container/process.h"

#include "cri-runtime/container/capabilities.h"

namespace trivet::container {

Result<shim::ProcessSpec> MakeProcess(cri::Node& node, const Record& record) {
  const Security& security = record.config.security;
  ASSIGN_OR_RETURN(const CapabilitySets capabilities,
                   ChooseCapabilities(security, node.available_capabilities));
  const ProfileKind seccomp =
      security.privileged ? ProfileKind::kUnconfined : security.seccomp.kind;
  shim::ProcessSpec process{.args = record.args,
                            .env = record.env,
                            .cwd = record.cwd,
                            .uid = record.user.uid,
                            .gid = record.user.gid,
                            .additional_gids = record.user.additional_gids,
                            .bounding_caps = capabilities.bounding,
                            .effective_caps = capabilities.bounding,
                            .ambient_caps = capabilities.ambient,
                            .no_new_privs = security.no_new_privs,
                            .terminal = record.config.terminal};
  process.oom_score_adj = static_cast<int32_t>(record.config.resources.oom_score_adj);
  ASSIGN_OR_RETURN(process.seccomp_bpf,
                   node.seccomp.Get(seccomp, record.seccomp_profile, capabilities.bounding),
                   "seccomp");
  if (security.apparmor.kind == ProfileKind::kLocalhost && !security.privileged) {
    process.apparmor_profile = security.apparmor.localhost_ref;
  }
  return process;
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

}  // namespace trivet::container
