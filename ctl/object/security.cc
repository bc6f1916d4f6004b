#include "ctl/object/pod.h"

namespace trivet::ctl {
namespace {

Result<> ReadSeccomp(Fields& fields, SecurityContext& security) {
  ASSIGN_OR_RETURN(auto profile, fields.Object("seccompProfile"));
  if (!profile) return {};
  SeccompProfile seccomp;
  RETURN_IF_ERROR(profile->Require("type", seccomp.type));
  RETURN_IF_ERROR(profile->Read("localhostProfile", seccomp.localhost_profile));
  if (seccomp.type != "RuntimeDefault" && seccomp.type != "Unconfined" &&
      seccomp.type != "Localhost") {
    return profile->Complain("type", "not one of RuntimeDefault, Unconfined, Localhost");
  }
  if ((seccomp.type == "Localhost") == seccomp.localhost_profile.empty()) {
    return profile->Complain("localhostProfile", "goes with type Localhost, and only with it");
  }
  security.seccomp = std::move(seccomp);
  return profile->Finish();
}

Result<> ReadCapabilities(Fields& fields, SecurityContext& security) {
  ASSIGN_OR_RETURN(auto capabilities, fields.Object("capabilities"));
  if (!capabilities) return {};
  RETURN_IF_ERROR(capabilities->Read("add", security.add_capabilities));
  RETURN_IF_ERROR(capabilities->Read("drop", security.drop_capabilities));
  return capabilities->Finish();
}

// Whether the node's policy has such a label is the runtime's to say; without SELinux it means
// nothing, as with the kubelet.
Result<> ReadSelinux(Fields& fields, SecurityContext& security) {
  ASSIGN_OR_RETURN(auto options, fields.Object("seLinuxOptions"));
  if (!options) return {};
  SelinuxOptions& label = security.selinux.emplace();
  RETURN_IF_ERROR(options->Read("user", label.user));
  RETURN_IF_ERROR(options->Read("role", label.role));
  RETURN_IF_ERROR(options->Read("type", label.type));
  RETURN_IF_ERROR(options->Read("level", label.level));
  return options->Finish();
}

// appArmorProfile narrows what a container may do: to drop it silently would be less security than
// was asked for.
Result<> ReadCommon(Fields& fields, SecurityContext& security) {
  RETURN_IF_ERROR(fields.Read("runAsUser", security.run_as_user));
  RETURN_IF_ERROR(fields.Read("runAsGroup", security.run_as_group));
  RETURN_IF_ERROR(fields.Read("runAsNonRoot", security.run_as_non_root));
  if (security.run_as_user.value_or(0) < 0) return fields.Complain("runAsUser", "below zero");
  if (security.run_as_group.value_or(0) < 0) return fields.Complain("runAsGroup", "below zero");
  RETURN_IF_ERROR(ReadSelinux(fields, security));
  return ReadSeccomp(fields, security);
}

Result<> ReadSysctls(Fields& fields, SecurityContext& security) {
  ASSIGN_OR_RETURN(auto sysctls, fields.List("sysctls"));
  for (Fields& item : sysctls) {
    std::string name;
    std::string value;
    RETURN_IF_ERROR(item.Require("name", name));
    RETURN_IF_ERROR(item.Require("value", value));
    RETURN_IF_ERROR(item.Finish());
    security.sysctls[name] = value;
  }
  return {};
}

}  // namespace

Result<SecurityContext> ReadContainerSecurity(Fields& container) {
  SecurityContext security;
  ASSIGN_OR_RETURN(auto fields, container.Object("securityContext"));
  if (!fields) return security;
  RETURN_IF_ERROR(ReadCommon(*fields, security));
  RETURN_IF_ERROR(ReadCapabilities(*fields, security));
  RETURN_IF_ERROR(fields->Read("privileged", security.privileged));
  RETURN_IF_ERROR(fields->Read("readOnlyRootFilesystem", security.read_only_root_filesystem));
  RETURN_IF_ERROR(fields->Read("allowPrivilegeEscalation", security.allow_privilege_escalation));
  RETURN_IF_ERROR(fields->Read("procMount", security.proc_mount));
  if (security.privileged && !security.allow_privilege_escalation.value_or(true)) {
    return fields->Complain("allowPrivilegeEscalation", "cannot be false when privileged is true");
  }
  RETURN_IF_ERROR(fields->Finish());
  return security;
}

Result<SecurityContext> ReadPodSecurity(Fields& spec) {
  SecurityContext security;
  ASSIGN_OR_RETURN(auto fields, spec.Object("securityContext"));
  if (!fields) return security;
  RETURN_IF_ERROR(ReadCommon(*fields, security));
  RETURN_IF_ERROR(fields->Read("fsGroup", security.fs_group));
  if (security.fs_group.value_or(0) < 0) return fields->Complain("fsGroup", "below zero");
  RETURN_IF_ERROR(fields->Read("supplementalGroups", security.supplemental_groups));
  RETURN_IF_ERROR(ReadSysctls(*fields, security));
  // Changing owners of everything each time is the meaning of Always, and safe for OnRootMismatch.
  fields->Accept({"fsGroupChangePolicy"});
  RETURN_IF_ERROR(fields->Finish());
  return security;
}

}  // namespace trivet::ctl
