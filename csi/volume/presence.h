#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "csi/filesystem/mount_table.h"
#include "csi/pool/loop_device.h"

namespace trivet::csi {

/// Whether the entry shows this device: as a mounted file system, or as the bound
/// device node itself.
bool Shows(const MountEntry& entry, const DeviceName& device);

/// Whether the visible mount at `path` shows the device.
bool IsAt(const MountTable& table, const std::filesystem::path& path, const DeviceName& device);

/// What one sees at a path.
enum class Sight { kNoMount, kTheDevice, kOtherMount };

/// What is mounted at `path`, the last component not followed. Asks the kernel about this path, and
/// reads the table of all mounts only where that does not say which device it is (btrfs).
/// Errors: the table cannot be read.
Result<Sight> LookAt(const std::filesystem::path& path, const DeviceName& device);

/// For messages: the file system at a path where something is mounted, "ext4".
std::string TypeOfMountAt(const std::filesystem::path& path);

/// Unmounts what is at `target`, layer by layer, as long as it shows the device (null: nothing
/// may be there), and looks again instead of believing an exit code. Nothing there is success.
/// Errors: kFailedPrecondition when something else is mounted there, which is left alone; kAborted
/// while a process of this namespace uses it.
Result<> UnmountAll(const std::filesystem::path& target, const DeviceName* device);

/// Whether any mount of the table shows the device.
bool IsAnywhere(const MountTable& table, const DeviceName& device);

/// For messages: a process in whose mount namespace, which is not ours, the device is mounted; 0
/// when there is none.
pid_t ForeignHolder(const DeviceName& device);

}  // namespace trivet::csi
