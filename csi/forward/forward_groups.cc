#include "csi/forward/forward_groups.h"

#include "csi/forward/holder.h"
#include "csi/forward/removal.h"
#include "csi/service/fields.h"
#include "csi/service/group_service.h"
#include "csi/service/requests.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

using GroupStub = ::csi::v1::GroupController::Stub;

grpc::Status ForwardGroups::GroupControllerGetCapabilities(
    grpc::ServerContext* context,
    const ::csi::v1::GroupControllerGetCapabilitiesRequest* /*request*/,
    ::csi::v1::GroupControllerGetCapabilitiesResponse* response) {
  return rpc::Handle("GroupControllerGetCapabilities", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Offer offer, claims_.Ask(context));
    Describe(offer, *response);
    return {};
  });
}

// One moment for all members is one node's promise.
Result<NodeLinkPtr> ForwardGroups::NodeOfAll(
    const grpc::ServerContext* context,
    const ::csi::v1::CreateVolumeGroupSnapshotRequest& request) const {
  const std::vector<NodeLinkPtr> nodes = nodes_.All();
  NodeLinkPtr all;
  for (const std::string& id : request.source_volume_ids()) {
    ASSIGN_OR_RETURN(const NodeLinkPtr node,
                     HolderOf(FindVolume(context, nodes, id), fmt::format("volume {}", id)));
    if (!all) all = node;
    if (all->name() != node->name()) {
      return Fail(Code::kFailedPrecondition,
                  "source_volume_ids: volume {} is on node {}, the ones before it on {}", id,
                  node->name(), all->name());
    }
  }
  return all;
}

grpc::Status ForwardGroups::CreateVolumeGroupSnapshot(
    grpc::ServerContext* context, const ::csi::v1::CreateVolumeGroupSnapshotRequest* request,
    ::csi::v1::CreateVolumeGroupSnapshotResponse* response) {
  return rpc::Handle("CreateVolumeGroupSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(Parse(*request), "request");
    const std::string id = GroupIdOf(request->name());
    // One of this name that is elsewhere, or whose volumes are gone, answers for itself.
    NodeLinkPtr node = FindGroup(context, nodes_.All(), id).holder;
    if (!node) {
      ASSIGN_OR_RETURN(node, NodeOfAll(context, *request));
    }
    return Forward(context, *node, &GroupStub::CreateVolumeGroupSnapshot, *request, *response);
  });
}

grpc::Status ForwardGroups::DeleteVolumeGroupSnapshot(
    grpc::ServerContext* context, const ::csi::v1::DeleteVolumeGroupSnapshotRequest* request,
    ::csi::v1::DeleteVolumeGroupSnapshotResponse* response) {
  return rpc::Handle("DeleteVolumeGroupSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckGroupId(request->group_snapshot_id()), "request");
    const auto nodes = nodes_.All();
    return Remove(context, nodes, FindGroup(context, nodes, request->group_snapshot_id()),
                  &GroupStub::AsyncDeleteVolumeGroupSnapshot, *request, *response);
  });
}

grpc::Status ForwardGroups::GetVolumeGroupSnapshot(
    grpc::ServerContext* context, const ::csi::v1::GetVolumeGroupSnapshotRequest* request,
    ::csi::v1::GetVolumeGroupSnapshotResponse* response) {
  return rpc::Handle("GetVolumeGroupSnapshot", [&]() -> Result<> {
    const std::string& id = request->group_snapshot_id();
    RETURN_IF_ERROR(CheckGroupId(id), "request");
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOf(FindGroup(context, nodes_.All(), id),
                                                      fmt::format("group snapshot {}", id)));
    return Forward(context, *node, &GroupStub::GetVolumeGroupSnapshot, *request, *response);
  });
}

}  // namespace trivet::csi
