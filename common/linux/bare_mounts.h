#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/mount.h"

namespace trivet {

/// An empty file system that nobody writes to, to be a root.
Result<DetachedMount> EmptyRoot();

/// A mount namespace whose root is an empty file system that nobody writes to, with nothing of the
/// node's to be found: for setns(2), so that unshare(2) copies that instead of each mount of the
/// node. `attach_point` is an existing folder. Errors: the kernel's; kInvalidArgument where the
/// node's root is the first file system that the kernel mounted: pivot_root(2) leaves that alone.
Result<UniqueFd> MakeBareMounts(const std::filesystem::path& attach_point);

}  // namespace trivet
