#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/error.h"
#include "common/linux/file.h"

/// Files that share their blocks until one of them is written: what snapshots and
/// clones of a file pool are made of. XFS (reflink=1) and btrfs have them, ext4 not.
namespace trivet::csi::reflink {

/// Whether files in `folder` can share blocks: tried on files that get no name.
/// Errors: the folder cannot be written.
Result<bool> IsSupported(const std::filesystem::path& folder);

/// Makes `copy`, in the same folder as `source`, with the same bytes and blocks.
/// It appears under its name whole, or not at all, also after a loss of power; kNow: and durable.
/// kLater is for a folder that KeepsOrder (write_order.h) alone. The time it takes
/// grows with the source's extents, and the source's writers wait meanwhile.
/// Errors: kAlreadyExists when there is a file `copy`; kResourceExhausted.
/// Source: ioctl_ficlone(2), open(2) on O_TMPFILE.
Result<> Clone(const std::filesystem::path& source, const std::filesystem::path& copy, Sync when);

}  // namespace trivet::csi::reflink
