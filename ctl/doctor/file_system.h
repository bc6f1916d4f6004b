#pragma once

#include <cstdint>

#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {

/// What statfs(2) says.
struct FileSystem {
  uint32_t magic = 0;
  uint64_t free_bytes = 0;
  uint64_t inodes = 0;  // 0: without a limit (btrfs)
  uint64_t free_inodes = 0;
  bool read_only = false;
};

/// Whether images and containers can be kept there: overlay's upper folder needs extended
/// attributes and whiteouts. The detail begins with the file system's name.
/// Source: Documentation/filesystems/overlayfs.rst, "Upper and Lower".
Answer JudgeState(const FileSystem& found);

/// Whether what is there is gone after a reboot.
Answer JudgeRun(const FileSystem& found);

/// "ext4" of EXT4_SUPER_MAGIC; the number when it is unknown.
std::string NameOfMagic(uint32_t magic);

}  // namespace trivet::ctl::doctor
