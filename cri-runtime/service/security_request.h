#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// A container's security context, checked. Errors: kInvalidArgument naming the field;
/// kFailedPrecondition for AppArmor on a node without it.
Result<container::Security> ParseSecurity(
    const ::runtime::v1::LinuxContainerSecurityContext& context);

/// Errors: kInvalidArgument for a number without a name.
Result<container::GroupsPolicy> ParseGroupsPolicy(::runtime::v1::SupplementalGroupsPolicy policy);

/// As it is: what it comes to depends on the node's policy (selinux::ChooseLabels).
selinux::Label ParseSelinux(const ::runtime::v1::SELinuxOption& options);

}  // namespace trivet::cri
