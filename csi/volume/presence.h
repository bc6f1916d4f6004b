#pragma once

#include <filesystem>

#include "csi/filesystem/mount_table.h"
#include "csi/pool/loop_device.h"

namespace trivet::csi {

/// Whether the entry shows this device: as a mounted file system, or as the bound
/// device node itself.
bool Shows(const MountEntry& entry, const BlockDevice& device);

/// Whether the visible mount at `path` shows the device.
bool IsAt(const MountTable& table, const std::filesystem::path& path, const BlockDevice& device);

/// Whether any mount of the table shows the device.
bool IsAnywhere(const MountTable& table, const BlockDevice& device);

}  // namespace trivet::csi
