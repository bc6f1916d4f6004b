#pragma once

#include <filesystem>

#include "common/base/error.h"
#include "csi/pool/loop_device.h"

namespace trivet::csi {

/// Opens the block device that `link` is or leads to; `access` is O_RDONLY or O_RDWR, with O_EXCL
/// where nobody else may use it. Its path is the node's own, as the mount table knows it.
/// Errors: kNotFound; kFailedPrecondition for anything but a block device.
Result<BlockDevice> OpenBlockDevice(const std::filesystem::path& link, int access);

/// Lets the device be written, or not. Source: BLKROSET, linux/fs.h.
Result<> SetReadOnly(const BlockDevice& device, bool read_only);

}  // namespace trivet::csi
