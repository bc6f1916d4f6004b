#pragma once

#include "common/base/error.h"
#include "cri-runtime/sandbox/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// RunPodSandbox's request, checked. Errors: kInvalidArgument "hostname: unexpected …";
/// kUnimplemented for what this version does not do.
Result<sandbox::Config> ParseSandbox(const ::runtime::v1::RunPodSandboxRequest& request);

/// The namespaces of a sandbox or container. Errors: as above.
Result<sandbox::Namespaces> ParseNamespaces(const ::runtime::v1::NamespaceOption& options);

/// Errors: kInvalidArgument for a sysctl that is not of a namespace of the pod's own.
Result<> CheckSysctl(const std::string& name, const std::string& value,
                     const sandbox::Namespaces& namespaces);

}  // namespace trivet::cri
