#pragma once

#include "common/base/error.h"
#include "proto/trivet/shim.h"

namespace trivet::shim {

/// Makes the pod's network, IPC and UTS namespaces this process's own, as `spec` says: loopback up,
/// host name, sysctls, and the network namespace pinned for CNI as the last step. The mount
/// namespace stays the node's.
Result<> MakePodNamespaces(const SandboxSpec& spec);

}  // namespace trivet::shim
