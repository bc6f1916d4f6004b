#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/mount.h"

namespace trivet::csi {

/// A capability's mount_flags, as the mount system calls want them.
struct MountFlags {
  uint64_t attributes = 0;  // MOUNT_ATTR_…: of the mount
  MountOptions options;     // of the file system
};

/// Sorts flags as mount(8) knows them ("noatime", "ro", "commit=5"; one entry may
/// hold several, separated by commas).
/// Errors: kInvalidArgument for one that would make another kind of mount
/// (remount, bind, ...) or name another file or device (journal_path, logdev, ...),
/// and for characters no option has. The text names the option, not its value.
Result<MountFlags> ParseMountFlags(const std::vector<std::string>& flags);

}  // namespace trivet::csi
