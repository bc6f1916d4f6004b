#include "csi/forward/holder.h"

namespace trivet::csi {
namespace {

using GroupFinder = ::csi::v1::GroupController::Stub;
using VolumeFinder = ::csi::v1::Controller::Stub;

// One whose record is damaged is there, too: the node says so again when it is asked for more.
bool Has(const Result<>& result) {
  return result.has_value() || result.error().code() == Code::kDataLoss;
}

template <class Stub, class Request, class Response>
Sighting Look(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
              const Request& request, AsyncMethod<Stub, Request, Response> method) {
  const auto answers =
      Ask(caller, ToEach(nodes, request), method,
          Patience<Response>{.enough = [](const auto& answer) { return Has(answer.result); }});
  Sighting sighting;
  for (const auto& answer : answers) {
    if (Has(answer.result)) {
      if (!sighting.holder) sighting.holder = answer.node;
    } else if (answer.result.error().code() != Code::kNotFound) {
      sighting.uncertain.emplace(answer.node->name(), answer.result.error());
    }
  }
  return sighting;
}

}  // namespace

Sighting FindVolume(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                    const std::string& volume_id) {
  ::csi::v1::ControllerGetVolumeRequest request;
  request.set_volume_id(volume_id);
  return Look(caller, nodes, request, &VolumeFinder::AsyncControllerGetVolume);
}

Sighting FindSnapshot(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                      const std::string& snapshot_id) {
  ::csi::v1::GetSnapshotRequest request;
  request.set_snapshot_id(snapshot_id);
  return Look(caller, nodes, request, &VolumeFinder::AsyncGetSnapshot);
}

Sighting FindGroup(const grpc::ServerContext* caller, const std::vector<NodeLinkPtr>& nodes,
                   const std::string& group_id) {
  ::csi::v1::GetVolumeGroupSnapshotRequest request;
  request.set_group_snapshot_id(group_id);
  return Look(caller, nodes, request, &GroupFinder::AsyncGetVolumeGroupSnapshot);
}

Error UncertaintyOf(const Error& why, const std::string& what) {
  const bool callers = why.code() == Code::kDeadlineExceeded || why.code() == Code::kCancelled;
  const bool kept = callers || why.code() == Code::kAborted;
  return {kept ? why.code() : Code::kUnavailable,
          fmt::format("{}: a node that may have it does not say: {}", what, why.message())};
}

Result<NodeLinkPtr> HolderOf(const Sighting& sighting, const std::string& what) {
  if (sighting.holder) return sighting.holder;
  if (sighting.uncertain.empty()) return Fail(Code::kNotFound, "{}: no node has it", what);
  return std::unexpected(UncertaintyOf(sighting.uncertain.begin()->second, what));
}

}  // namespace trivet::csi
