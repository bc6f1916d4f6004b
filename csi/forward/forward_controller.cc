#include "csi/forward/forward_controller.h"

#include <algorithm>

#include "csi/forward/removal.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {

using ControllerStub = ::csi::v1::Controller::Stub;

Result<NodeLinkPtr> ForwardController::HolderOfVolume(const grpc::ServerContext* context,
                                                      const std::string& id) const {
  RETURN_IF_ERROR(CheckVolumeId(id), "request");
  return HolderOf(FindVolume(context, nodes_.All(), id), fmt::format("volume {}", id));
}

grpc::Status ForwardController::DeleteVolume(grpc::ServerContext* context,
                                             const ::csi::v1::DeleteVolumeRequest* request,
                                             ::csi::v1::DeleteVolumeResponse* response) {
  return rpc::Handle("DeleteVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    const auto nodes = nodes_.All();
    return Remove(context, nodes, FindVolume(context, nodes, request->volume_id()),
                  &ControllerStub::AsyncDeleteVolume, *request, *response);
  });
}

grpc::Status ForwardController::ControllerPublishVolume(
    grpc::ServerContext* context, const ::csi::v1::ControllerPublishVolumeRequest* request,
    ::csi::v1::ControllerPublishVolumeResponse* response) {
  return rpc::Handle("ControllerPublishVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(Parse(*request), "request");
    ASSIGN_OR_RETURN(const NodeLinkPtr holder, HolderOfVolume(context, request->volume_id()));
    const auto nodes = nodes_.All();
    const bool elsewhere = std::ranges::any_of(nodes, [&](const NodeLinkPtr& node) {
      return node != holder && node->name() == request->node_id();
    });
    if (elsewhere) {
      return Fail(Code::kFailedPrecondition, "volume {}: it is on node {}, not on {}",
                  request->volume_id(), holder->name(), request->node_id());
    }
    return Forward(context, *holder, &ControllerStub::ControllerPublishVolume, *request, *response);
  });
}

grpc::Status ForwardController::ControllerUnpublishVolume(
    grpc::ServerContext* context, const ::csi::v1::ControllerUnpublishVolumeRequest* request,
    ::csi::v1::ControllerUnpublishVolumeResponse* response) {
  return rpc::Handle("ControllerUnpublishVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    const auto nodes = nodes_.All();
    return Remove(context, nodes, FindVolume(context, nodes, request->volume_id()),
                  &ControllerStub::AsyncControllerUnpublishVolume, *request, *response);
  });
}

grpc::Status ForwardController::ValidateVolumeCapabilities(
    grpc::ServerContext* context, const ::csi::v1::ValidateVolumeCapabilitiesRequest* request,
    ::csi::v1::ValidateVolumeCapabilitiesResponse* response) {
  return rpc::Handle("ValidateVolumeCapabilities", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfVolume(context, request->volume_id()));
    return Forward(context, *node, &ControllerStub::ValidateVolumeCapabilities, *request,
                   *response);
  });
}

grpc::Status ForwardController::ControllerGetCapabilities(
    grpc::ServerContext* context, const ::csi::v1::ControllerGetCapabilitiesRequest* /*request*/,
    ::csi::v1::ControllerGetCapabilitiesResponse* response) {
  return rpc::Handle("ControllerGetCapabilities", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Offer offer, claims_.Ask(context));
    Describe(offer, *response);
    return {};
  });
}

grpc::Status ForwardController::ControllerExpandVolume(
    grpc::ServerContext* context, const ::csi::v1::ControllerExpandVolumeRequest* request,
    ::csi::v1::ControllerExpandVolumeResponse* response) {
  return rpc::Handle("ControllerExpandVolume", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfVolume(context, request->volume_id()));
    return Forward(context, *node, &ControllerStub::ControllerExpandVolume, *request, *response);
  });
}

grpc::Status ForwardController::ControllerGetVolume(
    grpc::ServerContext* context, const ::csi::v1::ControllerGetVolumeRequest* request,
    ::csi::v1::ControllerGetVolumeResponse* response) {
  return rpc::Handle("ControllerGetVolume", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfVolume(context, request->volume_id()));
    return Forward(context, *node, &ControllerStub::ControllerGetVolume, *request, *response);
  });
}

grpc::Status ForwardController::ControllerModifyVolume(
    grpc::ServerContext* context, const ::csi::v1::ControllerModifyVolumeRequest* request,
    ::csi::v1::ControllerModifyVolumeResponse* response) {
  return rpc::Handle("ControllerModifyVolume", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfVolume(context, request->volume_id()));
    return Forward(context, *node, &ControllerStub::ControllerModifyVolume, *request, *response);
  });
}

grpc::Status ForwardController::ControllerGetVolumeHealth(
    grpc::ServerContext* context, const ::csi::v1::ControllerGetVolumeHealthRequest* request,
    ::csi::v1::ControllerGetVolumeHealthResponse* response) {
  return rpc::Handle("ControllerGetVolumeHealth", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const NodeLinkPtr node, HolderOfVolume(context, request->volume_id()));
    return Forward(context, *node, &ControllerStub::ControllerGetVolumeHealth, *request, *response);
  });
}

}  // namespace trivet::csi
