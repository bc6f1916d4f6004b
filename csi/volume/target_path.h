#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "csi/volume/capability.h"

namespace trivet::csi {

/// The path as the mount table writes it: links in its parents resolved, its last
/// component left alone (a stat of it can hang on a dead file system).
std::filesystem::path Resolve(const std::filesystem::path& path);

/// Makes what a volume is bound onto, a folder or for a block volume an empty
/// file, and returns an O_PATH descriptor of it. One that exists already is taken
/// when it is of that kind and not a link.
/// Errors: kFailedPrecondition when something else is there, or the parent is not.
Result<UniqueFd> EnsureTarget(const std::filesystem::path& target, AccessType type);

/// Removes an empty folder or an empty file; absent is success.
/// Errors: kFailedPrecondition when it holds something: that is not ours to delete.
Result<> RemoveTarget(const std::filesystem::path& target);

}  // namespace trivet::csi
