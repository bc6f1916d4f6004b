#include "csi/forward/forward_metadata.h"

#include "csi/forward/holder.h"
#include "csi/service/fields.h"

namespace trivet::csi {
namespace {

using MetadataStub = ::csi::v1::SnapshotMetadata::Stub;

template <class Request, class Response>
using StreamMethod = std::unique_ptr<grpc::ClientReader<Response>> (MetadataStub::*)(
    grpc::ClientContext*, const Request&);

// Message by message: what the node sends is never held here. A client that leaves ends the
// node's stream, too.
template <class Request, class Response>
Result<> Stream(const grpc::ServerContext* caller, const NodeLink& node,
                StreamMethod<Request, Response> method, const Request& request,
                grpc::ServerWriter<Response>& writer) {
  const auto context = ContextFor(caller);
  const auto reader = (node.stub<MetadataStub>().*method)(context.get(), request);
  Response response;
  bool is_there = true;
  while (is_there && reader->Read(&response)) {
    is_there = writer.Write(response);
    if (!is_there) context->TryCancel();
  }
  const grpc::Status status = reader->Finish();
  if (!is_there) return Fail(Code::kCancelled, "the client went away");
  return ResultOf(node, status);
}

}  // namespace

grpc::Status ForwardMetadata::GetMetadataAllocated(
    grpc::ServerContext* context, const ::csi::v1::GetMetadataAllocatedRequest* request,
    grpc::ServerWriter<::csi::v1::GetMetadataAllocatedResponse>* writer) {
  return rpc::HandleStream("GetMetadataAllocated", [&]() -> Result<> {
    const std::string& id = request->snapshot_id();
    RETURN_IF_ERROR(CheckSnapshotId(id), "request");
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOf(FindSnapshot(context, nodes_.All(), id),
                                                      fmt::format("snapshot {}", id)));
    return Stream(context, *node, &MetadataStub::GetMetadataAllocated, *request, *writer);
  });
}

// Both are of one volume, so on one node, which says so when they are not.
grpc::Status ForwardMetadata::GetMetadataDelta(
    grpc::ServerContext* context, const ::csi::v1::GetMetadataDeltaRequest* request,
    grpc::ServerWriter<::csi::v1::GetMetadataDeltaResponse>* writer) {
  return rpc::HandleStream("GetMetadataDelta", [&]() -> Result<> {
    const std::string& id = request->target_snapshot_id();
    RETURN_IF_ERROR(CheckSnapshotId(request->base_snapshot_id()), "request: base");
    RETURN_IF_ERROR(CheckSnapshotId(id), "request: target");
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOf(FindSnapshot(context, nodes_.All(), id),
                                                      fmt::format("snapshot {}", id)));
    return Stream(context, *node, &MetadataStub::GetMetadataDelta, *request, *writer);
  });
}

}  // namespace trivet::csi
