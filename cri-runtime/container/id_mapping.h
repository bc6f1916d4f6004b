#pragma once

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "cri-runtime/container/config.h"
#include "cri-runtime/paths.h"
#include "cri-runtime/sandbox/record.h"

namespace trivet::container {

/// What a container asks about ids must be what its pod has.
/// Errors: kInvalidArgument naming the mount.
Result<> CheckIdMappings(const Config& config, const sandbox::Config& pod);

/// The pod's user namespace, by the network namespace that belongs to it; invalid for a pod that
/// has the node's. It is there while the shim lives.
Result<UniqueFd> OpenUserNamespace(const sandbox::Record& pod, const cri::Paths& paths);

}  // namespace trivet::container
