// Snapshots: the part of ControllerService that translates to Snapshots.

#include "common/rpc/status.h"
#include "csi/service/answers.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {

grpc::Status ControllerService::CreateSnapshot(grpc::ServerContext* /*context*/,
                                               const ::csi::v1::CreateSnapshotRequest* request,
                                               ::csi::v1::CreateSnapshotResponse* response) {
  return rpc::Handle("CreateSnapshot", [&]() -> Result<> {
    if (!offer_.copies) {
      return Fail(Code::kUnimplemented,
                  "no pool's file system can share blocks (XFS with reflink=1 and btrfs can)");
    }
    ASSIGN_OR_RETURN(const SnapshotRequest create, Parse(*request), "request");
    ASSIGN_OR_RETURN(const SnapshotRecord record, parts_.snapshots.Create(create));
    Describe(record, *response->mutable_snapshot());
    return {};
  });
}

grpc::Status ControllerService::DeleteSnapshot(grpc::ServerContext* /*context*/,
                                               const ::csi::v1::DeleteSnapshotRequest* request,
                                               ::csi::v1::DeleteSnapshotResponse* /*response*/) {
  return rpc::Handle("DeleteSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->snapshot_id()), "request");
    return parts_.snapshots.Delete(request->snapshot_id());
  });
}

grpc::Status ControllerService::ListSnapshots(grpc::ServerContext* /*context*/,
                                              const ::csi::v1::ListSnapshotsRequest* request,
                                              ::csi::v1::ListSnapshotsResponse* response) {
  return rpc::Handle("ListSnapshots", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const PageRequest page_request, Parse(*request), "request");
    const SnapshotPage page = parts_.snapshots.List(
        {.id = request->snapshot_id(), .volume_id = request->source_volume_id()},
        page_request.first_id, page_request.count);
    for (const SnapshotRecord& record : page.snapshots) {
      Describe(record, *response->add_entries()->mutable_snapshot());
    }
    response->set_next_token(page.next_id);
    return {};
  });
}

grpc::Status ControllerService::GetSnapshot(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::GetSnapshotRequest* request,
                                            ::csi::v1::GetSnapshotResponse* response) {
  return rpc::Handle("GetSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->snapshot_id()), "request");
    ASSIGN_OR_RETURN(const SnapshotRecord record, parts_.snapshots.Find(request->snapshot_id()));
    Describe(record, *response->mutable_snapshot());
    return {};
  });
}

}  // namespace trivet::csi
