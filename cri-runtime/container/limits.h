#pragma once

#include "common/linux/cgroup.h"
#include "cri-runtime/container/config.h"

namespace trivet::container {

/// A container's resources as a group's limits. A memory limit without one for swap allows no swap.
/// Errors: kInvalidArgument for a number out of range, and for a page size that is none.
Result<CgroupLimits> LimitsOf(const Resources& resources, int64_t pids_limit);

/// `base` with what `update` names. Source: CRI, UpdateContainerResources.
Resources MergeResources(const Resources& base, const Resources& update);

}  // namespace trivet::container
