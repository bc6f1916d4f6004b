#pragma once

#include <filesystem>

namespace trivet::csi {

/// Whether the file system of `folder` keeps the order of changes: of names, sizes and extents, in
/// whatever folder, a loss of power undoes none that came before one it leaves; and fsync of a file
/// or folder makes its last change durable, and so all that came before it. The bytes of a file
/// are among it when they had been written out before its last change (sync_file_range(2), which
/// waits): each part of the log is written after the disk's cache was flushed. Those that had not
/// want an fsync of that file.
///
/// Only XFS is known to: all metadata goes through one log, in order, is replayed in order, and
/// fsync forces the log up to the last change of the inode. btrfs is known not to (its fsync writes
/// one inode's changes to a log of their own), and ext4 does with a journal only.
/// Source: Documentation/filesystems/xfs/xfs-delayed-logging-design.rst; xfs_file_fsync() and
/// xfs_dir_fsync() in fs/xfs/xfs_file.c, where the first relies on the same flush for the bytes;
/// Documentation/filesystems/ext4/journal.rst.
bool KeepsOrder(const std::filesystem::path& folder);

}  // namespace trivet::csi
