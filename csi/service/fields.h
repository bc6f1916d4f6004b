#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/volume/capability.h"
#include "csi/volume/capacity.h"
#include "csi/volume/provisioner.h"
#include "proto/csi/csi.pb.h"

/// The fields that several requests have, checked. All errors are kInvalidArgument
/// (kOutOfRange for a range that holds nothing) and start with the field's name.
/// Source: CSI spec, "Size Limits" and each message.
namespace trivet::csi {

using StringMap = ::google::protobuf::Map<std::string, std::string>;

/// volume_id: 1-128 bytes. Whether such a volume exists is not asked.
Result<> CheckVolumeId(const std::string& id);
/// As CheckVolumeId, of snapshot_id and group_snapshot_id.
Result<> CheckSnapshotId(const std::string& id);
Result<> CheckGroupId(const std::string& id);

/// An absolute path without "..", control characters or an empty last component.
Result<std::filesystem::path> ParsePath(std::string_view field, const std::string& path);

/// Access type and mode that a volume of one node can have.
Result<Capability> ParseCapability(const ::csi::v1::VolumeCapability& capability);
/// One capability, which must be given.
Result<Capability> ParseCapability(bool given, const ::csi::v1::VolumeCapability& capability);
/// At least one.
Result<std::vector<Capability>> ParseCapabilities(
    const ::google::protobuf::RepeatedPtrField<::csi::v1::VolumeCapability>& capabilities);

Result<CapacityRange> ParseRange(const ::csi::v1::CapacityRange& range);

/// The StorageClass keys "pool", "provisioning" (thick, thin), "encryption" (none, luks) and
/// "fsType", the file system when a capability names none (ext4, xfs, btrfs). Kubernetes' own keys
/// (csi.storage.k8s.io/…) are accepted and unused; any other is an error.
Result<Parameters> ParseParameters(const StringMap& parameters);

/// The VolumeAttributesClass' keys: see Changed in volume/mutable_parameters.h.
Result<MutableParameters> ParseMutable(const StringMap& parameters);

/// The VolumeSnapshotClass has no keys of ours: only Kubernetes' own are accepted.
Result<> CheckSnapshotParameters(const StringMap& parameters);

/// At most 4 KiB of keys and values together.
Result<> CheckMap(std::string_view field, const StringMap& map);

}  // namespace trivet::csi
