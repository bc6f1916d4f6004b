#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "proto/csi/csi.grpc.pb.h"
#include "tests/testing/call_log.h"

namespace trivet::testing {

/// A CSI driver whose volumes are names, and whose published volumes are plain folders; it notes
/// the calls that change something. The three services share what they know.
class FakeDriver {
 public:
  /// `log` is borrowed.
  explicit FakeDriver(CallLog& log)
      : identity_(*this), controller_(*this), node_(*this), log_(log) {}

  [[nodiscard]] ::csi::v1::Identity::Service* identity() { return &identity_; }
  [[nodiscard]] ::csi::v1::Controller::Service* controller() { return &controller_; }
  [[nodiscard]] ::csi::v1::Node::Service* node() { return &node_; }

  std::atomic<bool> controller_publish = false;  // has PUBLISH_UNPUBLISH_VOLUME

  /// Ids of the volumes that there are, by name.
  std::map<std::string, std::string> Volumes();

 private:
  struct Identity final : ::csi::v1::Identity::Service {
    explicit Identity(FakeDriver& of) : driver(of) {}
    grpc::Status GetPluginInfo(grpc::ServerContext*, const ::csi::v1::GetPluginInfoRequest*,
                               ::csi::v1::GetPluginInfoResponse* response) override;
    FakeDriver& driver;
  };
  struct Controller final : ::csi::v1::Controller::Service {
    explicit Controller(FakeDriver& of) : driver(of) {}
    grpc::Status CreateVolume(grpc::ServerContext*, const ::csi::v1::CreateVolumeRequest* request,
                              ::csi::v1::CreateVolumeResponse* response) override;
    grpc::Status DeleteVolume(grpc::ServerContext*, const ::csi::v1::DeleteVolumeRequest* request,
                              ::csi::v1::DeleteVolumeResponse*) override;
    grpc::Status ControllerPublishVolume(
        grpc::ServerContext*, const ::csi::v1::ControllerPublishVolumeRequest* request,
        ::csi::v1::ControllerPublishVolumeResponse* response) override;
    grpc::Status ControllerUnpublishVolume(
        grpc::ServerContext*, const ::csi::v1::ControllerUnpublishVolumeRequest* request,
        ::csi::v1::ControllerUnpublishVolumeResponse*) override;
    grpc::Status ControllerGetCapabilities(
        grpc::ServerContext*, const ::csi::v1::ControllerGetCapabilitiesRequest*,
        ::csi::v1::ControllerGetCapabilitiesResponse* response) override;
    FakeDriver& driver;
  };
  struct Node final : ::csi::v1::Node::Service {
    explicit Node(FakeDriver& of) : driver(of) {}
    grpc::Status NodeStageVolume(grpc::ServerContext*,
                                 const ::csi::v1::NodeStageVolumeRequest* request,
                                 ::csi::v1::NodeStageVolumeResponse*) override;
    grpc::Status NodeUnstageVolume(grpc::ServerContext*,
                                   const ::csi::v1::NodeUnstageVolumeRequest* request,
                                   ::csi::v1::NodeUnstageVolumeResponse*) override;
    grpc::Status NodePublishVolume(grpc::ServerContext*,
                                   const ::csi::v1::NodePublishVolumeRequest* request,
                                   ::csi::v1::NodePublishVolumeResponse*) override;
    grpc::Status NodeUnpublishVolume(grpc::ServerContext*,
                                     const ::csi::v1::NodeUnpublishVolumeRequest* request,
                                     ::csi::v1::NodeUnpublishVolumeResponse*) override;
    grpc::Status NodeGetCapabilities(grpc::ServerContext*,
                                     const ::csi::v1::NodeGetCapabilitiesRequest*,
                                     ::csi::v1::NodeGetCapabilitiesResponse* response) override;
    grpc::Status NodeGetInfo(grpc::ServerContext*, const ::csi::v1::NodeGetInfoRequest*,
                             ::csi::v1::NodeGetInfoResponse* response) override;
    FakeDriver& driver;
  };

  Identity identity_;
  Controller controller_;
  Node node_;
  CallLog& log_;
  std::mutex mutex_;
  std::map<std::string, std::string> volumes_;
};

}  // namespace trivet::testing
