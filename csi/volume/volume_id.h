#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace trivet::csi {

/// The id of the volume with this name: "v-" and 32 characters of a-z2-7, from
/// the first 20 bytes of the name's SHA-256. The same name gives the same id, so
/// a retried CreateVolume finds what the first one made; and an id is a safe
/// file name whatever Unicode the name holds.
std::string VolumeIdOf(std::string_view name);

/// Whether `id` has the form of VolumeIdOf: anything else names no volume of ours
/// and must never reach a path.
bool IsVolumeId(std::string_view id);

/// As VolumeIdOf and IsVolumeId, with "s-": a snapshot's.
std::string SnapshotIdOf(std::string_view name);
bool IsSnapshotId(std::string_view id);

/// As VolumeIdOf and IsVolumeId, with "g-": a group snapshot's.
std::string GroupIdOf(std::string_view name);
bool IsGroupId(std::string_view id);

/// Errors: kInvalidArgument when `name` is empty, longer than 128 bytes, not
/// UTF-8, or holds a control character the spec bans.
/// Source: CSI spec, "Size Limits" and CreateVolumeRequest.name.
Result<> CheckName(std::string_view name);

}  // namespace trivet::csi
