#include "csi/service/snapshot_metadata_service.h"

#include <algorithm>

#include "common/rpc/status.h"
#include "csi/service/fields.h"

namespace trivet::csi {
namespace {

Result<uint64_t> ParseOffset(int64_t offset) {
  if (offset >= 0) return static_cast<uint64_t>(offset);
  return Fail(Code::kOutOfRange, "starting_offset: negative");
}

// Messages of at most `max_results` ranges (0 = as many as one message takes well). A list without
// any is one message, too: it says how large the volume is.
template <class Response>
Result<> Send(const BlockList& list, int32_t max_results, grpc::ServerWriter<Response>& writer) {
  constexpr size_t kMostRanges = 4096;
  const size_t count =
      max_results > 0 ? std::min(kMostRanges, static_cast<size_t>(max_results)) : kMostRanges;
  for (size_t start = 0; start == 0 || start < list.ranges.size(); start += count) {
    Response response;
    response.set_block_metadata_type(::csi::v1::VARIABLE_LENGTH);
    response.set_volume_capacity_bytes(static_cast<int64_t>(list.size_bytes));
    for (size_t i = start; i < std::min(start + count, list.ranges.size()); ++i) {
      auto& block = *response.add_block_metadata();
      block.set_byte_offset(static_cast<int64_t>(list.ranges[i].offset));
      block.set_size_bytes(static_cast<int64_t>(list.ranges[i].bytes));
    }
    if (!writer.Write(response)) return Fail(Code::kCancelled, "the client went away");
  }
  return {};
}

}  // namespace

grpc::Status SnapshotMetadataService::GetMetadataAllocated(
    grpc::ServerContext* /*context*/, const ::csi::v1::GetMetadataAllocatedRequest* request,
    grpc::ServerWriter<::csi::v1::GetMetadataAllocatedResponse>* writer) {
  return rpc::HandleStream("GetMetadataAllocated", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->snapshot_id()), "request");
    ASSIGN_OR_RETURN(const uint64_t offset, ParseOffset(request->starting_offset()), "request");
    ASSIGN_OR_RETURN(const BlockList list, blocks_.Allocated(request->snapshot_id(), offset));
    return Send(list, request->max_results(), *writer);
  });
}

grpc::Status SnapshotMetadataService::GetMetadataDelta(
    grpc::ServerContext* /*context*/, const ::csi::v1::GetMetadataDeltaRequest* request,
    grpc::ServerWriter<::csi::v1::GetMetadataDeltaResponse>* writer) {
  return rpc::HandleStream("GetMetadataDelta", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckSnapshotId(request->base_snapshot_id()), "request: base");
    RETURN_IF_ERROR(CheckSnapshotId(request->target_snapshot_id()), "request: target");
    ASSIGN_OR_RETURN(const uint64_t offset, ParseOffset(request->starting_offset()), "request");
    ASSIGN_OR_RETURN(const BlockList list, blocks_.Delta(request->base_snapshot_id(),
                                                         request->target_snapshot_id(), offset));
    return Send(list, request->max_results(), *writer);
  });
}

}  // namespace trivet::csi
