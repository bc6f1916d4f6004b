#pragma once

#include "csi/forward/claims.h"

namespace trivet::csi {

/// GroupController over all nodes: a group is on the node of its volumes.
class ForwardGroups final : public ::csi::v1::GroupController::Service {
 public:
  /// Both are borrowed and outlive this.
  ForwardGroups(const NodeLinks& nodes, Claims& claims) : nodes_(nodes), claims_(claims) {}

  grpc::Status GroupControllerGetCapabilities(
      grpc::ServerContext* context, const ::csi::v1::GroupControllerGetCapabilitiesRequest* request,
      ::csi::v1::GroupControllerGetCapabilitiesResponse* response) override;
  grpc::Status CreateVolumeGroupSnapshot(
      grpc::ServerContext* context, const ::csi::v1::CreateVolumeGroupSnapshotRequest* request,
      ::csi::v1::CreateVolumeGroupSnapshotResponse* response) override;
  grpc::Status DeleteVolumeGroupSnapshot(
      grpc::ServerContext* context, const ::csi::v1::DeleteVolumeGroupSnapshotRequest* request,
      ::csi::v1::DeleteVolumeGroupSnapshotResponse* response) override;
  grpc::Status GetVolumeGroupSnapshot(grpc::ServerContext* context,
                                      const ::csi::v1::GetVolumeGroupSnapshotRequest* request,
                                      ::csi::v1::GetVolumeGroupSnapshotResponse* response) override;

 private:
  Result<NodeLinkPtr> NodeOfAll(const grpc::ServerContext* context,
                                const ::csi::v1::CreateVolumeGroupSnapshotRequest& request) const;

  const NodeLinks& nodes_;
  Claims& claims_;
};

}  // namespace trivet::csi
