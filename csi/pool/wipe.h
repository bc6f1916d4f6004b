#pragma once

#include "common/base/error.h"
#include "csi/config.h"

namespace trivet::csi {

/// Makes a device that nobody uses read as zeros, durably: all of it with Wipe::kZero (by the
/// device's own command where it has one); with Wipe::kDiscard its ends, and the rest as far as the
/// device returns zeros for what was discarded. Source: BLKZEROOUT and BLKDISCARD, linux/fs.h.
Result<> WipeDevice(int fd, Wipe how);

/// The device's start, where file systems and volume managers have their labels.
Result<> WipeStart(int fd);

}  // namespace trivet::csi
