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
  if (!security.privileged) process.apparmor_profile = security.apparmor.localhost_ref;
  process.selinux_label = record.selinux.process;
  process.rlimits = {{.resource = RLIMIT_NOFILE,
                      .soft = node.open_files.rlim_cur,
                      .hard = node.open_files.rlim_max}};
  return process;
}

}  // namespace trivet::container
