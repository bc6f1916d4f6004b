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

}  // namespace trivet::cri
