#include "csi/service/group_service.h"

#include "common/rpc/status.h"
#include "csi/service/answers.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {
namespace {

void Describe(const GroupAnswer& answer, ::csi::v1::VolumeGroupSnapshot& group) {
  group.set_group_snapshot_id(answer.group.id);
  group.set_ready_to_use(true);
  *group.mutable_creation_time() = TimestampOf(answer.group.created_unix_nanos);
  for (const SnapshotRecord& member : answer.members) Describe(member, *group.add_snapshots());
}

std::vector<std::string> ListOf(const ::google::protobuf::RepeatedPtrField<std::string>& ids) {
  return {ids.begin(), ids.end()};
}

}  // namespace

void Describe(const Offer& offer, ::csi::v1::GroupControllerGetCapabilitiesResponse& response) {
  using GroupRpc = ::csi::v1::GroupControllerServiceCapability::RPC;
  if (offer.copies) {
    response.add_capabilities()->mutable_rpc()->set_type(
        GroupRpc::CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT);
  }
}

grpc::Status GroupService::GroupControllerGetCapabilities(
    grpc::ServerContext* /*context*/,
    const ::csi::v1::GroupControllerGetCapabilitiesRequest* /*request*/,
    ::csi::v1::GroupControllerGetCapabilitiesResponse* response) {
  return rpc::Handle("GroupControllerGetCapabilities", [&]() -> Result<> {
    Describe(offer_, *response);
    return {};
  });
}

grpc::Status GroupService::CreateVolumeGroupSnapshot(
    grpc::ServerContext* /*context*/, const ::csi::v1::CreateVolumeGroupSnapshotRequest* request,
    ::csi::v1::CreateVolumeGroupSnapshotResponse* response) {
  return rpc::Handle("CreateVolumeGroupSnapshot", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const GroupRequest create, Parse(*request), "request");
    ASSIGN_OR_RETURN(const GroupAnswer answer, groups_.Create(create));
    Describe(answer, *response->mutable_group_snapshot());
    return {};
  });
}

grpc::Status GroupService::DeleteVolumeGroupSnapshot(
    grpc::ServerContext* /*context*/, const ::csi::v1::DeleteVolumeGroupSnapshotRequest* request,
    ::csi::v1::DeleteVolumeGroupSnapshotResponse* /*response*/) {
  return rpc::Handle("DeleteVolumeGroupSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckGroupId(request->group_snapshot_id()), "request");
    return groups_.Delete(request->group_snapshot_id(), ListOf(request->snapshot_ids()));
  });
}

grpc::Status GroupService::GetVolumeGroupSnapshot(
    grpc::ServerContext* /*context*/, const ::csi::v1::GetVolumeGroupSnapshotRequest* request,
    ::csi::v1::GetVolumeGroupSnapshotResponse* response) {
  return rpc::Handle("GetVolumeGroupSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckGroupId(request->group_snapshot_id()), "request");
    ASSIGN_OR_RETURN(const GroupAnswer answer,
                     groups_.Find(request->group_snapshot_id(), ListOf(request->snapshot_ids())));
    Describe(answer, *response->mutable_group_snapshot());
    return {};
  });
}

}  // namespace trivet::csi
