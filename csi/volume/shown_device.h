#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "csi/pool/pool.h"

/// The device that a volume's users see: the pool's own, or the mapping of an encrypted volume.
namespace trivet::csi {

/// None when it is not attached; an encrypted volume is not before its container is whole and open.
Result<std::optional<BlockDevice>> FindShown(const Pool& pool, const VolumeRecord& record);

/// As FindShown, where the record cannot be read: the mapping if there is one.
Result<std::optional<BlockDevice>> FindShown(const Pool& pool, const std::string& id);

/// As FindShown, for one who only wants to know which device it is.
Result<std::optional<DeviceName>> SeeShown(const Pool& pool, const VolumeRecord& record);
Result<std::optional<DeviceName>> SeeShown(const Pool& pool, const std::string& id);

/// As FindShown, for one who lets it go: closed when its disk is gone, and its mounts are not.
Result<std::optional<BlockDevice>> FindToLeave(const Pool& pool, const std::string& id);

/// Lets the shown device go, and what is below it.
Result<> ReleaseShown(Pool& pool, const std::string& id, BlockDevice shown);

/// Makes the shown device as large as the volume is now.
Result<> RefreshShown(Pool& pool, const VolumeRecord& record, const BlockDevice& shown);

}  // namespace trivet::csi
