#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// CreateContainer's configuration, checked. Errors: kInvalidArgument "mounts[0]: host_path: …";
/// kUnimplemented for what this version does not do.
Result<container::Config> ParseContainer(const ::runtime::v1::ContainerConfig& from);

}  // namespace trivet::cri
