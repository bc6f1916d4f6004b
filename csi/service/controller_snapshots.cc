// Snapshots: the part of ControllerService that translates to Snapshots.

#include "common/rpc/status.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {
namespace {

void Describe(const SnapshotRecord& record, ::csi::v1::Snapshot& snapshot) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  snapshot.set_snapshot_id(record.id);
  snapshot.set_source_volume_id(record.volume_id);
  snapshot.set_size_bytes(static_cast<int64_t>(record.size_bytes));
  snapshot.set_ready_to_use(true);
  snapshot.set_group_snapshot_id(record.group_id);
  auto& created = *snapshot.mutable_creation_time();
  created.set_seconds(record.created_unix_nanos / kNanosPerSecond);
  created.set_nanos(static_cast<int32_t>(record.created_unix_nanos % kNanosPerSecond));
}

}  // namespace

grpc::Status ControllerService::CreateSnapshot(grpc::ServerContext* /*context*/,
                                               const ::csi::v1::CreateSnapshotRequest* request,
                                               ::csi::v1::CreateSnapshotResponse* response) {
  return rpc::Handle("CreateSnapshot", [&]() -> Result<> {
    if (!offer_.copies) {
      return Fail(Code::kUnimplemented,
                  "no pool's file system can share blocks (XFS with reflink=1 and btrfs can)");
    }
    ASSIGN_OR_RETURN(const SnapshotRequest create, Parse(*request), "request");
    ASSIGN_OR_RETURN(const SnapshotRecord record, snapshots_.Create(create));
    Describe(record, *response->mutable_snapshot());
    return {};
  });
}

grpc::Status ControllerService::DeleteSnapshot(grpc::ServerContext* /*context*/,
                                               const ::csi::v1::DeleteSnapshotRequest* request,
                                               ::csi::v1::DeleteSnapshotResponse* /*response*/) {
  return rpc::Handle("DeleteSnapshot", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->snapshot_id()), "request");
    return snapshots_.Delete(request->snapshot_id());
  });
}

grpc::Status ControllerService::ListSnapshots(grpc::ServerContext* /*context*/,
                                              const ::csi::v1::ListSnapshotsRequest* request,
                                              ::csi::v1::ListSnapshotsResponse* response) {
  return rpc::Handle("ListSnapshots", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const PageRequest page_request, Parse(*request), "request");
    const SnapshotPage page =
        snapshots_.List({.id = request->snapshot_id(), .volume_id = request->source_volume_id()},
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
    ASSIGN_OR_RETURN(const SnapshotRecord record, snapshots_.Find(request->snapshot_id()));
    Describe(record, *response->mutable_snapshot());
    return {};
  });
}

}  // namespace trivet::csi
