// Health of volumes: the part of ControllerService that translates to Health.

#include "common/rpc/status.h"
#include "csi/service/answers.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"

namespace trivet::csi {

grpc::Status ControllerService::ControllerGetVolumeHealth(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerGetVolumeHealthRequest* request,
    ::csi::v1::ControllerGetVolumeHealthResponse* response) {
  return rpc::Handle("ControllerGetVolumeHealth", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    ASSIGN_OR_RETURN(const VolumeHealth health, parts_.health.Of(request->volume_id()));
    Describe(request->volume_id(), health, *response->mutable_volume_health());
    return {};
  });
}

grpc::Status ControllerService::ControllerListVolumeHealth(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerListVolumeHealthRequest* request,
    ::csi::v1::ControllerListVolumeHealthResponse* response) {
  return rpc::Handle("ControllerListVolumeHealth", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const PageRequest page_request, Parse(*request), "request");
    const Health::Page page = parts_.health.List(page_request.first_id, page_request.count);
    for (const auto& [id, health] : page.volumes) Describe(id, health, *response->add_entries());
    response->set_next_token(page.next_id);
    return {};
  });
}

}  // namespace trivet::csi
