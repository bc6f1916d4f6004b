#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/base/error.h"
#include "csi/filesystem/file_system.h"

namespace trivet::csi {

/// What the start of a device says about its file system.
struct Superblock {
  /// None when the bytes are no file system we make; see `blank`.
  std::optional<FileSystem> file_system;
  bool blank = false;  // every byte read is zero: as a new volume is
  std::string uuid;    // lower case, with dashes
  uint32_t block_bytes = 0;
  uint64_t blocks = 0;
  bool has_errors = false;     // ext4: the kernel recorded errors; fsck is due
  uint32_t inode_percent = 0;  // xfs: imaxpct, which growing must repeat

  [[nodiscard]] uint64_t size_bytes() const { return blocks * block_bytes; }
};

/// The bytes of a device that ParseSuperblock wants, from its start: enough to see
/// the labels of the file systems and volume managers we do not make, too.
constexpr size_t kSuperblockAreaBytes = 128 << 10;

/// Reads what the first bytes of a device mean. Never fails: anything is a valid
/// content of a disk, and only agreement with the record means something.
/// Source: Linux, Documentation/filesystems/ext4/super.rst; fs/xfs/libxfs/xfs_format.h;
/// include/uapi/linux/btrfs_tree.h, btrfs_super_block.
Superblock ParseSuperblock(std::span<const uint8_t, kSuperblockAreaBytes> area);

/// As ParseSuperblock, of an open device or image.
Result<Superblock> ReadSuperblock(int fd);

}  // namespace trivet::csi
