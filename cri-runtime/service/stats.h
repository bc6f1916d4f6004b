#pragma once

#include "common/linux/cgroup.h"
#include "cri-runtime/state/snapshot.h"
#include "proto/cri/api.pb.h"

namespace trivet::cri {

/// The statistics of a container, from its control group. What it has written to its layer is not
/// counted: that would read every folder of it.
void FillContainerStats(const state::Container& from, const CgroupStats& stats,
                        ::runtime::v1::ContainerStats& to);

}  // namespace trivet::cri
