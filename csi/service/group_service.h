#pragma once

#include "csi/service/plugin.h"
#include "csi/volume/groups.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::csi {

/// The capabilities of a GroupController service that offers this.
void Describe(const Offer& offer, ::csi::v1::GroupControllerGetCapabilitiesResponse& response);

/// Translates the GroupController service to Groups.
class GroupService final : public ::csi::v1::GroupController::Service {
 public:
  /// `groups` is borrowed and outlives this.
  GroupService(Groups& groups, Offer offer) : groups_(groups), offer_(offer) {}

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
  Groups& groups_;
  const Offer offer_;
};

}  // namespace trivet::csi
