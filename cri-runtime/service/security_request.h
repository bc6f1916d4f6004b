#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// A container's security context, checked. Errors: kInvalidArgument naming the field;
/// kFailedPrecondition for AppArmor on a node without it; kUnimplemented for what this version does
/// not do.
Result<container::Security> ParseSecurity(
    const ::runtime::v1::LinuxContainerSecurityContext& context);

/// Errors: kInvalidArgument for a number without a name.
Result<container::GroupsPolicy> ParseGroupsPolicy(::runtime::v1::SupplementalGroupsPolicy policy);

/// Errors: kUnimplemented for a label on a node that has SELinux.
Result<> CheckSelinux(const ::runtime::v1::SELinuxOption& options);

}  // namespace trivet::cri
