#pragma once

#include <string>

#include "common/base/error.h"
#include "csi/volume/groups.h"
#include "csi/volume/inline_volumes.h"
#include "csi/volume/node_volumes.h"
#include "csi/volume/provisioner.h"
#include "csi/volume/snapshots.h"
#include "proto/csi/csi.pb.h"

/// Requests with several fields, as the domain classes want them: everything is
/// checked here, before anything is looked up. Errors: kInvalidArgument and
/// kOutOfRange, with the field's name first.
namespace trivet::csi {

Result<CreateRequest> Parse(const ::csi::v1::CreateVolumeRequest& request);
Result<StageRequest> Parse(const ::csi::v1::NodeStageVolumeRequest& request);
Result<PublishRequest> Parse(const ::csi::v1::NodePublishVolumeRequest& request);

/// Whether the kubelet wants an inline volume: it has no life of its own.
bool IsInline(const ::csi::v1::NodePublishVolumeRequest& request);
/// The volume_context holds the StorageClass' keys and "size" (1Gi when absent).
Result<InlineRequest> ParseInline(const ::csi::v1::NodePublishVolumeRequest& request);

Result<SnapshotRequest> Parse(const ::csi::v1::CreateSnapshotRequest& request);
Result<GroupRequest> Parse(const ::csi::v1::CreateVolumeGroupSnapshotRequest& request);

/// How the volume is to be used on the node; `volume_id` and `node_id` are checked.
Result<Use> Parse(const ::csi::v1::ControllerPublishVolumeRequest& request);

/// ListVolumes and ListSnapshots: where the page starts and how long it may be (0 = no limit).
struct PageRequest {
  std::string first_id;
  size_t count = 0;
};
/// Errors: also kAborted for a token that no answer of ours held.
Result<PageRequest> Parse(const ::csi::v1::ListVolumesRequest& request);
Result<PageRequest> Parse(const ::csi::v1::ListSnapshotsRequest& request);
Result<PageRequest> Parse(const ::csi::v1::ControllerListVolumeHealthRequest& request);

}  // namespace trivet::csi
