#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/error.h"

namespace trivet::ctl {

/// fsGroup: everything below `folder` gets the group, group read and write, and folders set-gid
/// and search, so that what is made later belongs to the group too. Links are never followed:
/// a pod filled the volume. Source: k8s.io/kubernetes/pkg/volume/volume_linux.go (facts only).
Result<> GiveToGroup(const std::filesystem::path& folder, int64_t gid);

/// Removes a tree in which nothing may be mounted any more: a mount below it is
/// kFailedPrecondition, and nothing is removed (it would be somebody's data). Absent is success.
Result<> RemoveUnmountedTree(const std::filesystem::path& tree);

/// Removes folders only. A file that is still there is kFailedPrecondition: it would be data in
/// the wrong place.
Result<> RemoveEmptyTree(const std::filesystem::path& tree);

}  // namespace trivet::ctl
