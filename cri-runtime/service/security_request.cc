#include "cri-runtime/service/security_request.h"

#include "common/linux/file.h"
#include "cri-runtime/container/apparmor.h"
#include "cri-runtime/container/capabilities.h"
#include "cri-runtime/service/field_checks.h"
#include "cri-runtime/service/sandbox_request.h"

namespace trivet::cri {
namespace {

namespace v1 = ::runtime::v1;
using container::Profile;
using container::ProfileKind;

constexpr std::string_view kLocalhostPrefix = "localhost/";

Result<Profile> ParseProfile(const v1::SecurityProfile& from) {
  switch (from.profile_type()) {
    case v1::SecurityProfile::RuntimeDefault:
      return Profile{.kind = ProfileKind::kRuntimeDefault};
    case v1::SecurityProfile::Unconfined:
      return Profile{.kind = ProfileKind::kUnconfined};
    case v1::SecurityProfile::Localhost:
      if (from.localhost_ref().empty())
        return Fail(Code::kInvalidArgument, "localhost_ref: missing");
      return Profile{.kind = ProfileKind::kLocalhost, .localhost_ref = from.localhost_ref()};
    default:
      return Fail(Code::kInvalidArgument, "profile_type: unexpected {}",
                  static_cast<int>(from.profile_type()));
  }
}

// An older kubelet sends the old fields: reading them is on purpose.
std::string OldSeccomp(const v1::LinuxContainerSecurityContext& context) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return context.seccomp_profile_path();
}
std::string OldAppArmor(const v1::LinuxContainerSecurityContext& context) {
  return context.apparmor_profile();
#pragma GCC diagnostic pop
}

// The old field's notation: "", "unconfined", "runtime/default", "localhost/<profile>".
Result<Profile> ParseOldProfile(const std::string& text) {
  if (text.empty() || text == "unconfined") return Profile{};
  if (text == "runtime/default" || text == "docker/default") {
    return Profile{.kind = ProfileKind::kRuntimeDefault};
  }
  if (text.starts_with(kLocalhostPrefix)) {
    return Profile{.kind = ProfileKind::kLocalhost,
                   .localhost_ref = text.substr(kLocalhostPrefix.size())};
  }
  return Fail(Code::kInvalidArgument, "unexpected \"{}\"", text);
}

Result<Profile> ParseSeccomp(const v1::LinuxContainerSecurityContext& context) {
  Profile profile;
  if (context.has_seccomp()) {
    ASSIGN_OR_RETURN(profile, ParseProfile(context.seccomp()));
  } else {
    ASSIGN_OR_RETURN(profile, ParseOldProfile(OldSeccomp(context)));
  }
  if (profile.kind == ProfileKind::kLocalhost) {
    RETURN_IF_ERROR(CheckAbsolutePath("localhost_ref", profile.localhost_ref));
  }
  return profile;
}

Result<std::string> ReadAppArmorProfiles() {
  return ReadFile("/sys/kernel/security/apparmor/profiles");
}

// Said now, not when the container is started: the kubelet has it from CreateContainer.
Result<> CheckLoaded(const std::string& profile) {
  const auto profiles = ReadAppArmorProfiles();
  if (!profiles && profiles.error().code() == Code::kNotFound) {
    return Fail(Code::kFailedPrecondition, "localhost_ref: AppArmor is not enabled on this node");
  }
  RETURN_IF_ERROR(profiles, "localhost_ref");
  if (container::IsProfileLoaded(*profiles, profile)) return {};
  return Fail(Code::kFailedPrecondition, "localhost_ref: no AppArmor profile \"{}\" is loaded",
              profile);
}

Result<Profile> ParseAppArmor(const v1::LinuxContainerSecurityContext& context) {
  Profile profile;
  if (context.has_apparmor()) {
    ASSIGN_OR_RETURN(profile, ParseProfile(context.apparmor()));
  } else {
    ASSIGN_OR_RETURN(profile, ParseOldProfile(OldAppArmor(context)));
  }
  if (profile.kind == ProfileKind::kRuntimeDefault && !context.privileged()) {
    ASSIGN_OR_RETURN(profile.localhost_ref, container::FindDefaultProfile(ReadAppArmorProfiles()),
                     "RuntimeDefault");
  }
  if (profile.kind != ProfileKind::kLocalhost) return profile;
  if (profile.localhost_ref.starts_with(kLocalhostPrefix)) {
    profile.localhost_ref.erase(0, kLocalhostPrefix.size());
  }
  RETURN_IF_ERROR(CheckLine("localhost_ref", profile.localhost_ref));
  RETURN_IF_ERROR(CheckLoaded(profile.localhost_ref));
  return profile;
}

Result<> ParseUser(const v1::LinuxContainerSecurityContext& context,
                   container::Security& security) {
  if (context.has_run_as_user()) {
    ASSIGN_OR_RETURN(security.run_as_user,
                     CheckUserNumber("run_as_user", context.run_as_user().value()));
  }
  if (context.has_run_as_group()) {
    ASSIGN_OR_RETURN(security.run_as_group,
                     CheckUserNumber("run_as_group", context.run_as_group().value()));
  }
  security.run_as_username = context.run_as_username();
  if (!security.run_as_username.empty()) {
    RETURN_IF_ERROR(CheckName("run_as_username", security.run_as_username));
  }
  if (security.run_as_group && !security.run_as_user && security.run_as_username.empty()) {
    return Fail(Code::kInvalidArgument, "run_as_group: needs run_as_user or run_as_username");
  }
  for (const int64_t group : context.supplemental_groups()) {
    ASSIGN_OR_RETURN(const uint32_t gid, CheckUserNumber("supplemental_groups", group));
    security.supplemental_groups.push_back(gid);
  }
  ASSIGN_OR_RETURN(security.groups_policy, ParseGroupsPolicy(context.supplemental_groups_policy()));
  return {};
}

Result<std::vector<std::string>> ParsePaths(
    std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& paths) {
  for (const std::string& path : paths) RETURN_IF_ERROR(CheckAbsolutePath(field, path));
  return std::vector<std::string>(paths.begin(), paths.end());
}

}  // namespace

selinux::Label ParseSelinux(const v1::SELinuxOption& options) {
  return {options.user(), options.role(), options.type(), options.level()};
}

Result<container::GroupsPolicy> ParseGroupsPolicy(v1::SupplementalGroupsPolicy policy) {
  if (policy == v1::Merge) return container::GroupsPolicy::kMerge;
  if (policy == v1::Strict) return container::GroupsPolicy::kStrict;
  return Fail(Code::kInvalidArgument, "supplemental_groups_policy: unexpected {}",
              static_cast<int>(policy));
}

Result<container::Security> ParseSecurity(const v1::LinuxContainerSecurityContext& context) {
  const auto& wanted = context.capabilities();
  container::Security security{
      .add_capabilities = {wanted.add_capabilities().begin(), wanted.add_capabilities().end()},
      .drop_capabilities = {wanted.drop_capabilities().begin(), wanted.drop_capabilities().end()},
      .add_ambient_capabilities = {wanted.add_ambient_capabilities().begin(),
                                   wanted.add_ambient_capabilities().end()},
      .privileged = context.privileged(),
      .readonly_rootfs = context.readonly_rootfs(),
      .no_new_privs = context.no_new_privs()};
  RETURN_IF_ERROR(container::ChooseCapabilities(security, 0), "capabilities");
  ASSIGN_OR_RETURN(security.namespaces, ParseNamespaces(context.namespace_options()),
                   "namespace_options");
  RETURN_IF_ERROR(ParseUser(context, security));
  ASSIGN_OR_RETURN(security.masked_paths, ParsePaths("masked_paths", context.masked_paths()));
  ASSIGN_OR_RETURN(security.readonly_paths, ParsePaths("readonly_paths", context.readonly_paths()));
  ASSIGN_OR_RETURN(security.seccomp, ParseSeccomp(context), "seccomp");
  ASSIGN_OR_RETURN(security.apparmor, ParseAppArmor(context), "apparmor");
  security.selinux = ParseSelinux(context.selinux_options());
  return security;
}

}  // namespace trivet::cri
