// CreateVolume of ForwardController: on which node, and never on two.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "csi/forward/forward_controller.h"
#include "csi/forward/placement.h"
#include "csi/service/requests.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {
namespace {

using CreateStub = ::csi::v1::Controller::Stub;

std::vector<std::string> NamesOf(const std::vector<NodeLinkPtr>& nodes) {
  std::vector<std::string> names;
  for (const NodeLinkPtr& node : nodes) names.push_back(node->name());
  return names;
}

NodeLinkPtr Named(const std::vector<NodeLinkPtr>& nodes, const std::string& name) {
  const auto found = std::ranges::find(nodes, name, [](const auto& node) { return node->name(); });
  return found == nodes.end() ? nullptr : *found;
}

::csi::v1::GetCapacityRequest CapacityRequestFor(const ::csi::v1::CreateVolumeRequest& request,
                                                 const ::csi::v1::Topology& term) {
  ::csi::v1::GetCapacityRequest question;
  *question.mutable_parameters() = request.parameters();
  *question.mutable_volume_capabilities() = request.volume_capabilities();
  *question.mutable_accessible_topology() = term;
  return question;
}

// What each candidate has. One that does not answer has nothing; when no other fits, it is named.
Result<std::vector<std::string>> NodesWithRoom(const grpc::ServerContext* caller,
                                               const std::vector<NodeLinkPtr>& nodes,
                                               const ::csi::v1::CreateVolumeRequest& request) {
  const auto candidates = CandidatesOf(NamesOf(nodes), request.accessibility_requirements());
  std::vector<Question<::csi::v1::GetCapacityRequest>> questions;
  for (const Candidate& candidate : candidates) {
    questions.push_back(
        {Named(nodes, candidate.node), CapacityRequestFor(request, candidate.term)});
  }
  const auto answers = Ask(caller, questions, &CreateStub::AsyncGetCapacity);
  std::vector<Room> rooms;
  Result<> failed;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].result) {
      failed = answers[i].result;
      continue;
    }
    rooms.push_back({candidates[i].node,
                     static_cast<uint64_t>(answers[i].response.available_capacity()),
                     candidates[i].preferred});
  }
  auto chosen = Choose(rooms, static_cast<uint64_t>(request.capacity_range().required_bytes()));
  if (!chosen) RETURN_IF_ERROR(failed, "capacity");
  return chosen;
}

// Nodes that the requirement leaves out are not waited for: a call that is repeated asks for the
// same ones.
Result<> CheckAbsent(const ::csi::v1::CreateVolumeRequest& request, const Sighting& sighting) {
  for (const auto& [node, why] : sighting.uncertain) {
    if (!Allows(request.accessibility_requirements(), node)) continue;
    return std::unexpected(UncertaintyOf(why, "volume " + VolumeIdOf(request.name())));
  }
  return {};
}

}  // namespace

Result<NodeLinkPtr> ForwardController::HolderOfSource(
    const grpc::ServerContext* context, const ::csi::v1::VolumeContentSource& source) const {
  return source.has_snapshot() ? HolderOfSnapshot(context, source.snapshot().snapshot_id())
                               : HolderOfVolume(context, source.volume().volume_id());
}

// A node that says RESOURCE_EXHAUSTED has made nothing: the next one may.
Result<> ForwardController::CreateNew(const grpc::ServerContext* context,
                                      const ::csi::v1::CreateVolumeRequest& request,
                                      ::csi::v1::CreateVolumeResponse& response) const {
  if (request.has_volume_content_source()) {
    ASSIGN_OR_RETURN(const NodeLinkPtr node,
                     HolderOfSource(context, request.volume_content_source()),
                     "volume_content_source");
    return Forward(context, *node, &CreateStub::CreateVolume, request, response);
  }
  const std::vector<NodeLinkPtr> nodes = nodes_.All();
  ASSIGN_OR_RETURN(const std::vector<std::string> chosen, NodesWithRoom(context, nodes, request));
  Result<> made;
  for (const std::string& name : chosen) {
    made = Forward(context, *Named(nodes, name), &CreateStub::CreateVolume, request, response);
    if (made || made.error().code() != Code::kResourceExhausted) return made;
    spdlog::info("no room after all volume={} reason=\"{}\"", VolumeIdOf(request.name()),
                 made.error().message());
  }
  return made;
}

grpc::Status ForwardController::CreateVolume(grpc::ServerContext* context,
                                             const ::csi::v1::CreateVolumeRequest* request,
                                             ::csi::v1::CreateVolumeResponse* response) {
  return rpc::Handle("CreateVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(Parse(*request), "request");
    const std::string id = VolumeIdOf(request->name());
    ASSIGN_OR_RETURN(const VolumeLocks::Guard guard, creating_.TryLock(id));
    const Sighting sighting = FindVolume(context, nodes_.All(), id);
    if (!sighting.holder) {
      RETURN_IF_ERROR(CheckAbsent(*request, sighting));
      return CreateNew(context, *request, *response);
    }
    const NodeLink& holder = *sighting.holder;
    if (!Allows(request->accessibility_requirements(), holder.name())) {
      return Fail(Code::kAlreadyExists,
                  "volume {}: it is on node {}, which accessibility_requirements leave out", id,
                  holder.name());
    }
    return Forward(context, holder, &CreateStub::CreateVolume, *request, *response);
  });
}

}  // namespace trivet::csi
