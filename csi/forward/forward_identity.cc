#include "csi/forward/forward_identity.h"

#include <algorithm>

#include "common/rpc/status.h"
#include "csi/service/identity_service.h"

namespace trivet::csi {

grpc::Status ForwardIdentity::GetPluginInfo(grpc::ServerContext* /*context*/,
                                            const ::csi::v1::GetPluginInfoRequest* /*request*/,
                                            ::csi::v1::GetPluginInfoResponse* response) {
  return rpc::Handle("GetPluginInfo", [&]() -> Result<> {
    response->set_name(std::string(kPluginName));
    response->set_vendor_version(TRIVET_VERSION);
    (*response->mutable_manifest())["nodes"] = std::to_string(nodes_.All().size());
    return {};
  });
}

grpc::Status ForwardIdentity::GetPluginCapabilities(
    grpc::ServerContext* context, const ::csi::v1::GetPluginCapabilitiesRequest* /*request*/,
    ::csi::v1::GetPluginCapabilitiesResponse* response) {
  return rpc::Handle("GetPluginCapabilities", [&]() -> Result<> {
    ASSIGN_OR_RETURN(const Offer offer, claims_.Ask(context));
    Describe(offer, *response);
    return {};
  });
}

grpc::Status ForwardIdentity::Probe(grpc::ServerContext* context,
                                    const ::csi::v1::ProbeRequest* request,
                                    ::csi::v1::ProbeResponse* response) {
  return rpc::Handle("Probe", [&]() -> Result<> {
    constexpr std::chrono::milliseconds kProbePatience{2000};
    const auto is_ready = [](const Answer<::csi::v1::ProbeResponse>& answer) {
      return answer.result.has_value() && answer.response.ready().value();
    };
    const auto answers =
        Ask(context, ToEach(nodes_.All(), *request), &::csi::v1::Identity::Stub::AsyncProbe,
            Patience<::csi::v1::ProbeResponse>{kProbePatience, is_ready});
    response->mutable_ready()->set_value(std::ranges::any_of(answers, is_ready));
    return {};
  });
}

}  // namespace trivet::csi
