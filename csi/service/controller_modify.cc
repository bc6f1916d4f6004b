// Mutable parameters: the part of ControllerService that translates to Tuning.

#include "common/rpc/status.h"
#include "csi/service/controller_service.h"
#include "csi/service/fields.h"

namespace trivet::csi {

grpc::Status ControllerService::ControllerModifyVolume(
    grpc::ServerContext* /*context*/, const ::csi::v1::ControllerModifyVolumeRequest* request,
    ::csi::v1::ControllerModifyVolumeResponse* /*response*/) {
  return rpc::Handle("ControllerModifyVolume", [&]() -> Result<> {
    RETURN_IF_ERROR(CheckVolumeId(request->volume_id()), "request");
    RETURN_IF_ERROR(CheckMap("mutable_parameters", request->mutable_parameters()), "request");
    return parts_.tuning.Modify(request->volume_id(), {request->mutable_parameters().begin(),
                                                       request->mutable_parameters().end()});
  });
}

}  // namespace trivet::csi
