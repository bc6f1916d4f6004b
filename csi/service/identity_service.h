#pragma once

#include "csi/service/plugin.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::csi {

/// The capabilities of a plugin that offers this.
void Describe(const Offer& offer, ::csi::v1::GetPluginCapabilitiesResponse& response);

/// Who we are, what pools this node has (in the manifest), and which services this process serves.
class IdentityService final : public ::csi::v1::Identity::Service {
 public:
  IdentityService(Offer offer, Place place) : offer_(offer), place_(std::move(place)) {}

  grpc::Status GetPluginInfo(grpc::ServerContext* context,
                             const ::csi::v1::GetPluginInfoRequest* request,
                             ::csi::v1::GetPluginInfoResponse* response) override;
  grpc::Status GetPluginCapabilities(grpc::ServerContext* context,
                                     const ::csi::v1::GetPluginCapabilitiesRequest* request,
                                     ::csi::v1::GetPluginCapabilitiesResponse* response) override;
  grpc::Status Probe(grpc::ServerContext* context, const ::csi::v1::ProbeRequest* request,
                     ::csi::v1::ProbeResponse* response) override;

 private:
  const Offer offer_;
  const Place place_;
};

}  // namespace trivet::csi
