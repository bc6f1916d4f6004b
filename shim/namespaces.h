#pragma once

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/user_namespace.h"

namespace trivet::shim {

/// Makes the pod's network, IPC and UTS namespaces this process's own, as `spec` says: loopback up,
/// host name, sysctls, and the network namespace pinned for CNI as the last step. The mount
/// namespace stays the node's, and so does the user namespace: the pod's is returned.
Result<UserNamespace> MakePodNamespaces(const SandboxSpec& spec);

}  // namespace trivet::shim
