#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "csi/filesystem/file_system.h"
#include "csi/filesystem/superblock.h"
#include "csi/volume/record.h"

namespace trivet::csi {

/// What must happen before a volume may be mounted.
enum class FormatStep { kNothing, kFormat, kFormatAgain };

/// Decides from the record alone; the superblock can only veto. Pure.
/// Errors: kFailedPrecondition when the two disagree (a never formatted volume
/// that holds something, a raw one to be mounted, another file system's UUID);
/// kDataLoss when a ready volume has lost its superblock. Never a reason to format.
Result<FormatStep> DecideFormat(const VolumeRecord& record, const Superblock& found);

/// The program and its arguments. `again` forces it over the remains of an
/// interrupted run; otherwise mkfs itself refuses a device with something on it.
std::vector<std::string> MkfsCommand(FileSystem file_system, const std::string& uuid, bool again,
                                     const std::filesystem::path& device);

/// Runs MkfsCommand. The data is on the device when it returns.
Result<> MakeFileSystem(const std::vector<std::string>& command, int device_fd);

/// A new random UUID. Source: /proc/sys/kernel/random/uuid, man 4 random.
Result<std::string> NewUuid();

}  // namespace trivet::csi
