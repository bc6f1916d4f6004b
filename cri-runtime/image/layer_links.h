#pragma once

#include <cstdint>

#include "common/base/error.h"
#include "cri-runtime/image/entry_path.h"

namespace trivet::image {

/// Where the folder `path` is in the layer at `root_fd` when the symbolic links that the layer has
/// on the way are followed: an absolute target starts at the layer's root, and ".." ends there.
/// What is not there (yet) is taken by its name. Nobody else may change the layer meanwhile.
/// Errors: kInvalidArgument for links in a circle, or more than the kernel follows;
/// kResourceExhausted for a folder that `depth` leaves no room in.
Result<EntryPath> FollowLinks(int root_fd, const EntryPath& path, uint64_t depth);

}  // namespace trivet::image
