#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

Result<container::Resources> ParseResources(const ::runtime::v1::LinuxContainerResources& from);
void FillResources(const container::Resources& from, ::runtime::v1::LinuxContainerResources& to);

}  // namespace trivet::cri
