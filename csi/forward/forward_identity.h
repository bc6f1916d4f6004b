#pragma once

#include "csi/forward/claims.h"

namespace trivet::csi {

/// The Identity of a controller that forwards: ready while at least one node is.
class ForwardIdentity final : public ::csi::v1::Identity::Service {
 public:
  /// Both are borrowed and outlive this.
  ForwardIdentity(const NodeLinks& nodes, Claims& claims) : nodes_(nodes), claims_(claims) {}

  grpc::Status GetPluginInfo(grpc::ServerContext* context,
                             const ::csi::v1::GetPluginInfoRequest* request,
                             ::csi::v1::GetPluginInfoResponse* response) override;
  grpc::Status GetPluginCapabilities(grpc::ServerContext* context,
                                     const ::csi::v1::GetPluginCapabilitiesRequest* request,
                                     ::csi::v1::GetPluginCapabilitiesResponse* response) override;
  grpc::Status Probe(grpc::ServerContext* context, const ::csi::v1::ProbeRequest* request,
                     ::csi::v1::ProbeResponse* response) override;

 private:
  const NodeLinks& nodes_;
  Claims& claims_;
};

}  // namespace trivet::csi
