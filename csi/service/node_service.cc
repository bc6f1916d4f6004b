#include "csi/service/node_service.h"

#include <vector>

#include "common/rpc/status.h"
#include "csi/service/answers.h"
#include "csi/service/fields.h"
#include "csi/service/plugin.h"
#include "csi/service/requests.h"

namespace trivet::csi {
namespace {

using NodeRpc = ::csi::v1::NodeServiceCapability::RPC;
using ::csi::v1::VolumeUsage;

std::vector<NodeRpc::Type> NodeClaims(const Offer& offer) {
  std::vector<NodeRpc::Type> capabilities = {
      NodeRpc::STAGE_UNSTAGE_VOLUME, NodeRpc::GET_VOLUME_STATS, NodeRpc::SINGLE_NODE_MULTI_WRITER};
  if (offer.grows) capabilities.push_back(NodeRpc::EXPAND_VOLUME);
  if (offer.level >= SpecLevel::k1_13) {
    capabilities.insert(capabilities.end(),
                        {NodeRpc::GET_VOLUME_HEALTH, NodeRpc::GET_STORAGE_HEALTH});
  }
  return capabilities;
}

void Fill(const VolumeStats& stats, ::csi::v1::NodeGetVolumeStatsResponse& response) {
  VolumeUsage& bytes = *response.add_usage();
  bytes.set_unit(VolumeUsage::BYTES);
  bytes.set_total(static_cast<int64_t>(stats.total_bytes));
  bytes.set_available(static_cast<int64_t>(stats.available_bytes.value_or(0)));
  bytes.set_used(static_cast<int64_t>(stats.used_bytes.value_or(0)));
  if (stats.total_inodes == 0) return;
  VolumeUsage& inodes = *response.add_usage();
  inodes.set_unit(VolumeUsage::INODES);
  inodes.set_total(static_cast<int64_t>(stats.total_inodes));
  inodes.set_available(static_cast<int64_t>(stats.available_inodes));
  inodes.set_used(static_cast<int64_t>(stats.used_inodes));
}

Result<> CheckPathGiven(std::string_view field, const std::string& path) {
  if (!path.empty()) return {};
  return Fail(Code::kInvalidArgument, "{}: missing", field);
}

// An inline volume is known to the kubelet by a handle.
std::string IdOf(const std::string& volume_id) {
  return InlineVolumes::IsHandle(volume_id) ? InlineVolumes::IdOf(volume_id) : volume_id;
}

}  // namespace

grpc::Status NodeService::NodeStageVolume(grpc::ServerContext* /*context*/,
                                          const ::csi::v1::NodeStageVolumeRequest* request,
                                          ::csi::v1::NodeStageVolumeResponse* /*response*/) {
  return rpc::Handle("NodeStageVolume", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const StageRequest stage, Parse(*request), "request");
    return volumes_.Stage(stage);
  });
}

grpc::Status NodeService::NodeUnstageVolume(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::NodeUnstageVolumeRequest* request,
                                            ::csi::v1::NodeUnstageVolumeResponse* /*response*/) {
  return rpc::Handle("NodeUnstageVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    ASSIGN_OR_RETURN(const auto path,
                     ParsePath("staging_target_path", request->staging_target_path()), "request");
    return volumes_.Unstage(request->volume_id(), path);
  });
}

grpc::Status NodeService::NodePublishVolume(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::NodePublishVolumeRequest* request,
                                            ::csi::v1::NodePublishVolumeResponse* /*response*/) {
  return rpc::Handle("NodePublishVolume", [&]() -> Result<> {
    if (IsInline(*request)) {
      ASSIGN_OR_RETURN(const InlineRequest publish, ParseInline(*request), "request");
      return inline_volumes_.Publish(publish);
    }
    ASSIGN_OR_RETURN(const PublishRequest publish, Parse(*request), "request");
    return volumes_.Publish(publish);
  });
}

grpc::Status NodeService::NodeUnpublishVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::NodeUnpublishVolumeRequest* request,
    ::csi::v1::NodeUnpublishVolumeResponse* /*response*/) {
  return rpc::Handle("NodeUnpublishVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    ASSIGN_OR_RETURN(const auto path, ParsePath("target_path", request->target_path()), "request");
    if (InlineVolumes::IsHandle(request->volume_id())) {
      return inline_volumes_.Unpublish(request->volume_id(), path);
    }
    return volumes_.Unpublish(request->volume_id(), path);
  });
}

grpc::Status NodeService::NodeGetVolumeStats(grpc::ServerContext* /*context*/,
                                             const ::csi::v1::NodeGetVolumeStatsRequest* request,
                                             ::csi::v1::NodeGetVolumeStatsResponse* response) {
  return rpc::Handle("NodeGetVolumeStats", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    // Any other path is one where the volume is not: NOT_FOUND.
    RETURN_IF_ERROR(CheckPathGiven("volume_path", request->volume_path()), "request");
    ASSIGN_OR_RETURN(const VolumeStats stats,
                     volumes_.Stats(IdOf(request->volume_id()), request->volume_path()));
    Fill(stats, *response);
    return {};
  });
}

grpc::Status NodeService::NodeExpandVolume(grpc::ServerContext* /*context*/,
                                           const ::csi::v1::NodeExpandVolumeRequest* request,
                                           ::csi::v1::NodeExpandVolumeResponse* response) {
  return rpc::Handle("NodeExpandVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    RETURN_IF_ERROR(CheckPathGiven("volume_path", request->volume_path()), "request");
    ASSIGN_OR_RETURN(const CapacityRange range, ParseRange(request->capacity_range()), "request");
    ASSIGN_OR_RETURN(const uint64_t size_bytes,
                     volumes_.Grow(request->volume_id(), request->volume_path(), range));
    response->set_capacity_bytes(static_cast<int64_t>(size_bytes));
    return {};
  });
}

grpc::Status NodeService::NodeGetCapabilities(
    grpc::ServerContext* /*context*/, const ::csi::v1::NodeGetCapabilitiesRequest* /*request*/,
    ::csi::v1::NodeGetCapabilitiesResponse* response) {
  return rpc::Handle("NodeGetCapabilities", [&]() -> Result<> {
    for (const auto capability : NodeClaims(offer_)) {
      response->add_capabilities()->mutable_rpc()->set_type(capability);
    }
    return {};
  });
}

grpc::Status NodeService::NodeGetVolumeHealth(grpc::ServerContext* /*context*/,
                                              const ::csi::v1::NodeGetVolumeHealthRequest* request,
                                              ::csi::v1::NodeGetVolumeHealthResponse* response) {
  return rpc::Handle("NodeGetVolumeHealth", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    ASSIGN_OR_RETURN(const VolumeHealth health, health_.Of(IdOf(request->volume_id())));
    Describe(request->volume_id(), health, *response->mutable_volume_health());
    return {};
  });
}

grpc::Status NodeService::NodeGetStorageHealth(
    grpc::ServerContext* /*context*/, const ::csi::v1::NodeGetStorageHealthRequest* /*request*/,
    ::csi::v1::NodeGetStorageHealthResponse* response) {
  return rpc::Handle("NodeGetStorageHealth", [&]() -> Result<> {
    for (const PoolProblem& problem : health_.OfPools()) {
      auto& entry = *response->add_backend_health();
      entry.set_status(problem.unreachable ? ::csi::v1::STORAGE_UNREACHABLE
                                           : ::csi::v1::STORAGE_DEGRADED);
      entry.set_reason(problem.reason);
      entry.set_message(problem.message);
    }
    return {};
  });
}

grpc::Status NodeService::NodeGetInfo(grpc::ServerContext* /*context*/,
                                      const ::csi::v1::NodeGetInfoRequest* /*request*/,
                                      ::csi::v1::NodeGetInfoResponse* response) {
  return rpc::Handle("NodeGetInfo", [&]() -> Result<> {
    response->set_node_id(place_.node_id);
    response->set_max_volumes_per_node(static_cast<int64_t>(offer_.max_volumes));
    *response->mutable_accessible_topology() = TopologyOf(place_);
    return {};
  });
}

}  // namespace trivet::csi
