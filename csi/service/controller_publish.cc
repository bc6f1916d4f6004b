// Publication to the node: the part of ControllerService that translates to NodePublications.

#include "common/rpc/status.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {

Result<> ControllerService::CheckAttach() const {
  if (offer_.attach) return {};
  return Fail(Code::kUnimplemented, "volumes need no publication by the controller (see --attach)");
}

grpc::Status ControllerService::ControllerPublishVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerPublishVolumeRequest* request,
    ::csi::v1::ControllerPublishVolumeResponse* /*response*/) {
  return rpc::Handle("ControllerPublishVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckAttach());
    ASSIGN_OR_RETURN(const Use use, Parse(*request), "request");
    ASSIGN_OR_RETURN(const VolumeRecord record, parts_.provisioner.Find(request->volume_id()));
    if (request->node_id() != place_.node_id) {
      return Fail(Code::kNotFound, "node {}: volume {} is on {}", request->node_id(), record.id,
                  place_.node_id);
    }
    return parts_.publications.Publish(record.id, use);
  });
}

grpc::Status ControllerService::ControllerUnpublishVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerUnpublishVolumeRequest* request,
    ::csi::v1::ControllerUnpublishVolumeResponse* /*response*/) {
  return rpc::Handle("ControllerUnpublishVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckAttach());
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    // From another node: there it is not. Without a node: from all.
    if (!request->node_id().empty() && request->node_id() != place_.node_id) return {};
    return parts_.publications.Unpublish(request->volume_id());
  });
}

}  // namespace trivet::csi
