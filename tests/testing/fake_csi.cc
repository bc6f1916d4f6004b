#include "tests/testing/fake_csi.h"

#include <filesystem>

namespace trivet::testing {
namespace {

namespace csi = ::csi::v1;
using grpc::ServerContext;
using grpc::Status;

}  // namespace

std::map<std::string, std::string> FakeDriver::Volumes() {
  const std::lock_guard lock(mutex_);
  return volumes_;
}

Status FakeDriver::Identity::GetPluginInfo(ServerContext*, const csi::GetPluginInfoRequest*,
                                           csi::GetPluginInfoResponse* response) {
  response->set_name("fake.csi");
  response->set_vendor_version("1");
  return Status::OK;
}

Status FakeDriver::Controller::CreateVolume(ServerContext*, const csi::CreateVolumeRequest* request,
                                            csi::CreateVolumeResponse* response) {
  if (auto status = driver.log_.Note("CreateVolume", ""); !status.ok()) return status;
  const std::lock_guard lock(driver.mutex_);
  const auto next = "v" + std::to_string(driver.volumes_.size() + 1);
  const auto [volume, is_new] = driver.volumes_.try_emplace(request->name(), next);
  response->mutable_volume()->set_volume_id(volume->second);
  response->mutable_volume()->set_capacity_bytes(request->capacity_range().required_bytes());
  (*response->mutable_volume()->mutable_volume_context())["pool"] = "default";
  return Status::OK;
}

Status FakeDriver::Controller::DeleteVolume(ServerContext*, const csi::DeleteVolumeRequest* request,
                                            csi::DeleteVolumeResponse*) {
  if (auto status = driver.log_.Note("DeleteVolume", request->volume_id()); !status.ok()) {
    return status;
  }
  const std::lock_guard lock(driver.mutex_);
  std::erase_if(driver.volumes_,
                [&](const auto& volume) { return volume.second == request->volume_id(); });
  return Status::OK;
}

Status FakeDriver::Controller::ControllerPublishVolume(
    ServerContext*, const csi::ControllerPublishVolumeRequest* request,
    csi::ControllerPublishVolumeResponse* response) {
  if (auto status = driver.log_.Note("ControllerPublishVolume", request->volume_id());
      !status.ok()) {
    return status;
  }
  (*response->mutable_publish_context())["device"] = "sda";
  return Status::OK;
}

Status FakeDriver::Controller::ControllerUnpublishVolume(
    ServerContext*, const csi::ControllerUnpublishVolumeRequest* request,
    csi::ControllerUnpublishVolumeResponse*) {
  return driver.log_.Note("ControllerUnpublishVolume", request->volume_id());
}

Status FakeDriver::Controller::ControllerGetCapabilities(
    ServerContext*, const csi::ControllerGetCapabilitiesRequest*,
    csi::ControllerGetCapabilitiesResponse* response) {
  using Rpc = csi::ControllerServiceCapability::RPC;
  response->add_capabilities()->mutable_rpc()->set_type(Rpc::CREATE_DELETE_VOLUME);
  if (driver.controller_publish) {
    response->add_capabilities()->mutable_rpc()->set_type(Rpc::PUBLISH_UNPUBLISH_VOLUME);
  }
  return Status::OK;
}

Status FakeDriver::Node::NodeStageVolume(ServerContext*, const csi::NodeStageVolumeRequest* request,
                                         csi::NodeStageVolumeResponse*) {
  return driver.log_.Note("NodeStageVolume", request->volume_id());
}

Status FakeDriver::Node::NodeUnstageVolume(ServerContext*,
                                           const csi::NodeUnstageVolumeRequest* request,
                                           csi::NodeUnstageVolumeResponse*) {
  return driver.log_.Note("NodeUnstageVolume", request->volume_id());
}

Status FakeDriver::Node::NodePublishVolume(ServerContext*,
                                           const csi::NodePublishVolumeRequest* request,
                                           csi::NodePublishVolumeResponse*) {
  if (auto status = driver.log_.Note("NodePublishVolume", request->volume_id()); !status.ok()) {
    return status;
  }
  std::filesystem::create_directory(request->target_path());
  return Status::OK;
}

Status FakeDriver::Node::NodeUnpublishVolume(ServerContext*,
                                             const csi::NodeUnpublishVolumeRequest* request,
                                             csi::NodeUnpublishVolumeResponse*) {
  if (auto status = driver.log_.Note("NodeUnpublishVolume", request->volume_id()); !status.ok()) {
    return status;
  }
  std::filesystem::remove(request->target_path());
  return Status::OK;
}

Status FakeDriver::Node::NodeGetCapabilities(ServerContext*, const csi::NodeGetCapabilitiesRequest*,
                                             csi::NodeGetCapabilitiesResponse* response) {
  using Rpc = csi::NodeServiceCapability::RPC;
  response->add_capabilities()->mutable_rpc()->set_type(Rpc::STAGE_UNSTAGE_VOLUME);
  return Status::OK;
}

Status FakeDriver::Node::NodeGetInfo(ServerContext*, const csi::NodeGetInfoRequest*,
                                     csi::NodeGetInfoResponse* response) {
  response->set_node_id("node");
  return Status::OK;
}

}  // namespace trivet::testing
