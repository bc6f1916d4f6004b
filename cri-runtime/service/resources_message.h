#pragma once

#include "common/base/error.h"
#include "cri-runtime/container/config.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

Result<container::Resources> ParseResources(const ::runtime::v1::LinuxContainerResources& from);

/// What a pod may use: its containers and what it needs beside them. What is not limited stays so.
container::Resources WithOverhead(container::Resources of_containers,
                                  const container::Resources& overhead);

void FillResources(const container::Resources& from, ::runtime::v1::LinuxContainerResources& to);

}  // namespace trivet::cri
