#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/sandbox/config.h"

namespace trivet::container {

/// A container may be privileged, and may have namespaces of the node, where its pod may.
/// Source: cri-api, LinuxSandboxSecurityContext.privileged and NamespaceOption.
/// Errors: kInvalidArgument naming the field.
Result<> CheckPodAllows(const Security& security, const sandbox::Config& pod);

/// What the container is not to see, or not to write. A request that names nothing gets the
/// defaults, but in a pod with a user namespace: there that is the kubelet's word for
/// procMount: Unmasked, which it does not allow elsewhere.
struct HiddenPaths {
  std::vector<std::string> masked;
  std::vector<std::string> readonly;
};
HiddenPaths PathsToHide(const Security& security, const sandbox::Config& pod);

}  // namespace trivet::container
