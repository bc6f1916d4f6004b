#pragma once

#include "csi/volume/snapshot_blocks.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::csi {

/// Translates the SnapshotMetadata service to SnapshotBlocks.
class SnapshotMetadataService final : public ::csi::v1::SnapshotMetadata::Service {
 public:
  /// `blocks` is borrowed and outlives this.
  explicit SnapshotMetadataService(const SnapshotBlocks& blocks) : blocks_(blocks) {}

  grpc::Status GetMetadataAllocated(
      grpc::ServerContext* context, const ::csi::v1::GetMetadataAllocatedRequest* request,
      grpc::ServerWriter<::csi::v1::GetMetadataAllocatedResponse>* writer) override;
  grpc::Status GetMetadataDelta(
      grpc::ServerContext* context, const ::csi::v1::GetMetadataDeltaRequest* request,
      grpc::ServerWriter<::csi::v1::GetMetadataDeltaResponse>* writer) override;

 private:
  const SnapshotBlocks& blocks_;
};

}  // namespace trivet::csi
