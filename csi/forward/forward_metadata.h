#pragma once

#include "csi/forward/node_links.h"

namespace trivet::csi {

/// SnapshotMetadata over all nodes: the stream of the node that has the snapshot.
class ForwardMetadata final : public ::csi::v1::SnapshotMetadata::Service {
 public:
  /// `nodes` is borrowed and outlives this.
  explicit ForwardMetadata(const NodeLinks& nodes) : nodes_(nodes) {}

  grpc::Status GetMetadataAllocated(
      grpc::ServerContext* context, const ::csi::v1::GetMetadataAllocatedRequest* request,
      grpc::ServerWriter<::csi::v1::GetMetadataAllocatedResponse>* writer) override;
  grpc::Status GetMetadataDelta(
      grpc::ServerContext* context, const ::csi::v1::GetMetadataDeltaRequest* request,
      grpc::ServerWriter<::csi::v1::GetMetadataDeltaResponse>* writer) override;

 private:
  const NodeLinks& nodes_;
};

}  // namespace trivet::csi
