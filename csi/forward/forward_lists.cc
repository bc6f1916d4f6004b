// What all nodes have together: the part of ForwardController that merges their answers. A node
// that is away is an error, for a list without its entries would say that they are gone.

#include <algorithm>

#include "csi/forward/forward_controller.h"
#include "csi/forward/pages.h"
#include "csi/forward/placement.h"
#include "csi/service/fields.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

using ListStub = ::csi::v1::Controller::Stub;

const std::string& IdIn(const ::csi::v1::ListVolumesResponse::Entry& entry) {
  return entry.volume().volume_id();
}
const std::string& IdIn(const ::csi::v1::ListSnapshotsResponse::Entry& entry) {
  return entry.snapshot().snapshot_id();
}
const std::string& IdIn(const ::csi::v1::VolumeHealth& entry) {
  return entry.volume_id();
}

template <class Request, class Response>
Result<> List(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
              AsyncMethod<ListStub, Request, Response> method, Request request,
              bool (*is_id)(std::string_view), Response& response) {
  using Entry = typename std::decay_t<decltype(response.entries())>::value_type;
  const int32_t max_entries = request.max_entries();
  if (max_entries < 0) return Fail(Code::kInvalidArgument, "request: max_entries: negative");
  ASSIGN_OR_RETURN(const ListPlace first, ParseToken(request.starting_token(), is_id), "request");
  request.set_starting_token(first.id);
  request.set_max_entries(EntriesToAsk(max_entries));
  std::vector<PlacedEntry<Entry>> found;
  for (auto& answer : Ask(caller, ToEach(nodes, request), method)) {
    RETURN_IF_ERROR(answer.result);
    for (Entry& entry : *answer.response.mutable_entries()) {
      found.push_back({{IdIn(entry), answer.node->name()}, std::move(entry)});
    }
  }
  auto [entries, next] = MakePage(std::move(found), first, max_entries);
  for (Entry& entry : entries) *response.add_entries() = std::move(entry);
  response.set_next_token(TokenOf(next));
  return {};
}

// The largest single volume is that of one node; the sum of all is what can be had together.
void AddCapacity(const ::csi::v1::GetCapacityResponse& one, ::csi::v1::GetCapacityResponse& all) {
  all.set_available_capacity(all.available_capacity() + one.available_capacity());
  if (one.has_maximum_volume_size()) {
    auto& largest = *all.mutable_maximum_volume_size();
    largest.set_value(std::max(largest.value(), one.maximum_volume_size().value()));
  }
  if (one.has_minimum_volume_size()) {
    const bool is_first = !all.has_minimum_volume_size();
    auto& smallest = *all.mutable_minimum_volume_size();
    const int64_t minimum = one.minimum_volume_size().value();
    smallest.set_value(is_first ? minimum : std::min(smallest.value(), minimum));
  }
}

}  // namespace

grpc::Status ForwardController::ListVolumes(grpc::ServerContext* context,
                                            const ::csi::v1::ListVolumesRequest* request,
                                            ::csi::v1::ListVolumesResponse* response) {
  return rpc::Handle("ListVolumes", [&] {
    return List(context, nodes_.All(), &ListStub::AsyncListVolumes, *request, IsVolumeId,
                *response);
  });
}

grpc::Status ForwardController::ListSnapshots(grpc::ServerContext* context,
                                              const ::csi::v1::ListSnapshotsRequest* request,
                                              ::csi::v1::ListSnapshotsResponse* response) {
  return rpc::Handle("ListSnapshots", [&] {
    return List(context, nodes_.All(), &ListStub::AsyncListSnapshots, *request, IsSnapshotId,
                *response);
  });
}

grpc::Status ForwardController::ControllerListVolumeHealth(
    grpc::ServerContext* context, const ::csi::v1::ControllerListVolumeHealthRequest* request,
    ::csi::v1::ControllerListVolumeHealthResponse* response) {
  return rpc::Handle("ControllerListVolumeHealth", [&] {
    return List(context, nodes_.All(), &ListStub::AsyncControllerListVolumeHealth, *request,
                IsVolumeId, *response);
  });
}

// A topology that names a node concerns that one only; a node that is not ours has nothing.
grpc::Status ForwardController::GetCapacity(grpc::ServerContext* context,
                                            const ::csi::v1::GetCapacityRequest* request,
                                            ::csi::v1::GetCapacityResponse* response) {
  return rpc::Handle("GetCapacity", [&]() -> Result<> {
    RETURN_IF_ERROR(ParseParameters(request->parameters()), "request");
    auto nodes = nodes_.All();
    const std::string named = NodeOf(request->accessible_topology());
    if (!named.empty()) {
      std::erase_if(nodes, [&](const NodeLinkPtr& node) { return node->name() != named; });
    }
    for (const auto& answer : Ask(context, ToEach(nodes, *request), &ListStub::AsyncGetCapacity)) {
      RETURN_IF_ERROR(answer.result);
      AddCapacity(answer.response, *response);
    }
    return {};
  });
}

}  // namespace trivet::csi
