#include "csi/service/identity_service.h"

#include "common/rpc/status.h"

namespace trivet::csi {

void Describe(const Offer& offer, ::csi::v1::GetPluginCapabilitiesResponse& response) {
  using Offered = ::csi::v1::PluginCapability::Service;
  if (offer.mode != Mode::kNode) {
    response.add_capabilities()->mutable_service()->set_type(Offered::CONTROLLER_SERVICE);
  }
  response.add_capabilities()->mutable_service()->set_type(
      Offered::VOLUME_ACCESSIBILITY_CONSTRAINTS);
  if (offer.copies && offer.mode != Mode::kNode) {
    response.add_capabilities()->mutable_service()->set_type(Offered::GROUP_CONTROLLER_SERVICE);
    response.add_capabilities()->mutable_service()->set_type(Offered::SNAPSHOT_METADATA_SERVICE);
  }
  if (!offer.grows) return;
  response.add_capabilities()->mutable_volume_expansion()->set_type(
      ::csi::v1::PluginCapability::VolumeExpansion::ONLINE);
}

grpc::Status IdentityService::GetPluginInfo(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::GetPluginInfoRequest* /*request*/,
                                            ::csi::v1::GetPluginInfoResponse* response) {
  return rpc::Handle("GetPluginInfo", [&]() -> Result<> {
    response->set_name(std::string(kPluginName));
    response->set_vendor_version(TRIVET_VERSION);
    for (const auto& [pool, what] : place_.pools) {
      (*response->mutable_manifest())["pool/" + pool] = what;
    }
    return {};
  });
}

grpc::Status IdentityService::GetPluginCapabilities(
    grpc::ServerContext* /*context*/, const ::csi::v1::GetPluginCapabilitiesRequest* /*request*/,
    ::csi::v1::GetPluginCapabilitiesResponse* response) {
  return rpc::Handle("GetPluginCapabilities", [&]() -> Result<> {
    Describe(offer_, *response);
    return {};
  });
}

grpc::Status IdentityService::Probe(grpc::ServerContext* /*context*/,
                                    const ::csi::v1::ProbeRequest* /*request*/,
                                    ::csi::v1::ProbeResponse* response) {
  return rpc::Handle("Probe", [&]() -> Result<> {
    // Records are read and reconciled before the socket exists.
    response->mutable_ready()->set_value(true);
    return {};
  });
}

}  // namespace trivet::csi
