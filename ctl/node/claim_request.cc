#include "ctl/node/claim_request.h"

namespace trivet::ctl {
namespace {

using ::csi::v1::VolumeCapability;
using AccessMode = VolumeCapability::AccessMode;

// Kubernetes' ReadWriteOnce means one node, not one pod. A driver that knows the difference
// is told so; an older one hears the mode of old, which meant the same to it.
Result<AccessMode::Mode> ModeOf(const std::string& mode, const DriverAbilities& abilities) {
  if (mode == "ReadOnlyMany") return AccessMode::MULTI_NODE_READER_ONLY;
  if (mode == "ReadWriteMany") return AccessMode::MULTI_NODE_MULTI_WRITER;
  if (mode == "ReadWriteOnce") {
    return abilities.single_node_multi_writer ? AccessMode::SINGLE_NODE_MULTI_WRITER
                                              : AccessMode::SINGLE_NODE_WRITER;
  }
  if (abilities.single_node_multi_writer) return AccessMode::SINGLE_NODE_SINGLE_WRITER;
  return Fail(Code::kFailedPrecondition,
              "access mode {}: the driver lacks SINGLE_NODE_MULTI_WRITER", mode);
}

}  // namespace

Result<std::vector<VolumeCapability>> MakeCapabilities(const Claim& claim,
                                                       const DriverAbilities& abilities) {
  std::vector<VolumeCapability> capabilities;
  for (const std::string& mode : claim.access_modes) {
    VolumeCapability capability;
    ASSIGN_OR_RETURN(const AccessMode::Mode value, ModeOf(mode, abilities));
    capability.mutable_access_mode()->set_mode(value);
    if (claim.block) {
      capability.mutable_block();
    } else {
      capability.mutable_mount();
    }
    capabilities.push_back(std::move(capability));
  }
  return capabilities;
}

Result<::csi::v1::CreateVolumeRequest> MakeCreateVolumeRequest(const Claim& claim,
                                                               const std::string& uid,
                                                               const DriverAbilities& abilities) {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name("pvc-" + uid);
  request.mutable_capacity_range()->set_required_bytes(claim.request_bytes);
  request.mutable_capacity_range()->set_limit_bytes(claim.limit_bytes.value_or(0));
  ASSIGN_OR_RETURN(auto capabilities, MakeCapabilities(claim, abilities));
  for (VolumeCapability& capability : capabilities) {
    *request.add_volume_capabilities() = std::move(capability);
  }
  return request;
}

}  // namespace trivet::ctl
