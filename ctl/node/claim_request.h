#pragma once

#include <string>

#include "common/base/error.h"
#include "ctl/object/claim.h"
#include "proto/csi/csi.pb.h"

namespace trivet::ctl {

/// What the driver said it can do, where it changes what is asked of it.
struct DriverAbilities {
  bool controller_publish = false;        // PUBLISH_UNPUBLISH_VOLUME
  bool stage = false;                     // STAGE_UNSTAGE_VOLUME
  bool single_node_multi_writer = false;  // SINGLE_NODE_MULTI_WRITER of the node
  bool volume_mount_group = false;        // VOLUME_MOUNT_GROUP: the driver applies fsGroup
};

/// One capability per access mode of the claim. Pure.
/// Source: CSI spec 1.13 "VolumeCapability"; the mapping is external-provisioner's.
Result<std::vector<::csi::v1::VolumeCapability>> MakeCapabilities(const Claim& claim,
                                                                  const DriverAbilities& abilities);

/// As external-provisioner asks: the name is "pvc-<uid>", so a repeated call finds the same volume.
Result<::csi::v1::CreateVolumeRequest> MakeCreateVolumeRequest(const Claim& claim,
                                                               const std::string& uid,
                                                               const DriverAbilities& abilities);

}  // namespace trivet::ctl
