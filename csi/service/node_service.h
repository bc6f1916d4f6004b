#pragma once

#include <string>

#include "csi/service/plugin.h"
#include "csi/volume/health.h"
#include "csi/volume/inline_volumes.h"
#include "csi/volume/node_volumes.h"
#include "proto/csi/csi.grpc.pb.h"

namespace trivet::csi {

/// Translates the Node service to NodeVolumes. What is not overridden is
/// UNIMPLEMENTED and not among the capabilities.
class NodeService final : public ::csi::v1::Node::Service {
 public:
  /// All but the last two are borrowed and outlive this.
  NodeService(NodeVolumes& volumes, InlineVolumes& inline_volumes, const Health& health,
              Offer offer, Place place)
      : volumes_(volumes),
        inline_volumes_(inline_volumes),
        health_(health),
        offer_(offer),
        place_(std::move(place)) {}

  grpc::Status NodeStageVolume(grpc::ServerContext* context,
                               const ::csi::v1::NodeStageVolumeRequest* request,
                               ::csi::v1::NodeStageVolumeResponse* response) override;
  grpc::Status NodeUnstageVolume(grpc::ServerContext* context,
                                 const ::csi::v1::NodeUnstageVolumeRequest* request,
                                 ::csi::v1::NodeUnstageVolumeResponse* response) override;
  grpc::Status NodePublishVolume(grpc::ServerContext* context,
                                 const ::csi::v1::NodePublishVolumeRequest* request,
                                 ::csi::v1::NodePublishVolumeResponse* response) override;
  grpc::Status NodeUnpublishVolume(grpc::ServerContext* context,
                                   const ::csi::v1::NodeUnpublishVolumeRequest* request,
                                   ::csi::v1::NodeUnpublishVolumeResponse* response) override;
  grpc::Status NodeGetVolumeStats(grpc::ServerContext* context,
                                  const ::csi::v1::NodeGetVolumeStatsRequest* request,
                                  ::csi::v1::NodeGetVolumeStatsResponse* response) override;
  grpc::Status NodeExpandVolume(grpc::ServerContext* context,
                                const ::csi::v1::NodeExpandVolumeRequest* request,
                                ::csi::v1::NodeExpandVolumeResponse* response) override;
  grpc::Status NodeGetCapabilities(grpc::ServerContext* context,
                                   const ::csi::v1::NodeGetCapabilitiesRequest* request,
                                   ::csi::v1::NodeGetCapabilitiesResponse* response) override;
  grpc::Status NodeGetInfo(grpc::ServerContext* context,
                           const ::csi::v1::NodeGetInfoRequest* request,
                           ::csi::v1::NodeGetInfoResponse* response) override;

  grpc::Status NodeGetVolumeHealth(grpc::ServerContext* context,
                                   const ::csi::v1::NodeGetVolumeHealthRequest* request,
                                   ::csi::v1::NodeGetVolumeHealthResponse* response) override;
  grpc::Status NodeGetStorageHealth(grpc::ServerContext* context,
                                    const ::csi::v1::NodeGetStorageHealthRequest* request,
                                    ::csi::v1::NodeGetStorageHealthResponse* response) override;

 private:
  NodeVolumes& volumes_;
  InlineVolumes& inline_volumes_;
  const Health& health_;
  const Offer offer_;
  const Place place_;
};

}  // namespace trivet::csi
