// Snapshots: the part of ForwardController that finds theirs and their volumes' nodes.

#include "csi/forward/forward_controller.h"
#include "csi/forward/removal.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

using SnapshotStub = ::csi::v1::Controller::Stub;

Result<NodeLinkPtr> ForwardController::HolderOfSnapshot(const grpc::ServerContext* context,
                                                        const std::string& id) const {
  RETURN_IF_ERROR(CheckSnapshotId(id), "request");
  return HolderOf(FindSnapshot(context, nodes_.All(), id), fmt::format("snapshot {}", id));
}

// A snapshot is on its volume's node. One of this name that is on another one is of another
// volume, and that node says so; or its volume is gone.
grpc::Status ForwardController::CreateSnapshot(grpc::ServerContext* context,
                                               const ::csi::v1::CreateSnapshotRequest* request,
                                               ::csi::v1::CreateSnapshotResponse* response) {
  return rpc::Handle("CreateSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(Parse(*request), "request");
    const std::string id = SnapshotIdOf(request->name());
    NodeLinkPtr node = FindSnapshot(context, nodes_.All(), id).holder;
    if (!node) {
      ASSIGN_OR_RETURN(node, HolderOfVolume(context, request->source_volume_id()));
    }
    return Forward(context, *node, &SnapshotStub::CreateSnapshot, *request, *response);
  });
}

grpc::Status ForwardController::DeleteSnapshot(grpc::ServerContext* context,
                                               const ::csi::v1::DeleteSnapshotRequest* request,
                                               ::csi::v1::DeleteSnapshotResponse* response) {
  return rpc::Handle("DeleteSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->snapshot_id()), "request");
    const auto nodes = nodes_.All();
    return Remove(context, nodes, FindSnapshot(context, nodes, request->snapshot_id()),
                  &SnapshotStub::AsyncDeleteSnapshot, *request, *response);
  });
}

grpc::Status ForwardController::GetSnapshot(grpc::ServerContext* context,
                                            const ::csi::v1::GetSnapshotRequest* request,
                                            ::csi::v1::GetSnapshotResponse* response) {
  return rpc::Handle("GetSnapshot", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfSnapshot(context, request->snapshot_id()));
    return Forward(context, *node, &SnapshotStub::GetSnapshot, *request, *response);
  });
}

}  // namespace trivet::csi
