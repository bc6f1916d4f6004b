#include "tests/bench/csi/client.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace trivet::bench {

namespace proto = ::csi::v1;

Client::Client(const std::string& socket, std::string folder, const std::string& kind)
    : folder_(std::move(folder)) {
  capability_.mutable_access_mode()->set_mode(
      proto::VolumeCapability::AccessMode::SINGLE_NODE_MULTI_WRITER);
  if (kind == "block") {
    capability_.mutable_block();
  } else {
    capability_.mutable_mount()->set_fs_type(kind);
  }
  std::filesystem::create_directories(staging_path());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // shared with no other client
  const auto channel =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  identity_ = proto::Identity::NewStub(channel);
  controller_ = proto::Controller::NewStub(channel);
  node_ = proto::Node::NewStub(channel);
}

template <class Response, class Stub, class Method, class Request>
Response Client::Call(const std::string& name, Stub& stub, Method method, const Request& request) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  Response response;
  const auto start = std::chrono::steady_clock::now();
  const grpc::Status status = (stub.*method)(&context, request, &response);
  const auto taken = std::chrono::steady_clock::now() - start;
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), status.error_message().c_str());
    std::exit(EXIT_FAILURE);
  }
  Add(name, taken);
  return response;
}

void Client::Probe(const std::string& call) {
  Call<proto::ProbeResponse>(call, *identity_, &proto::Identity::Stub::Probe,
                             proto::ProbeRequest());
}

std::string Client::Create(const std::string& call, const std::string& name, int64_t bytes) {
  proto::CreateVolumeRequest request;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(bytes);
  *request.add_volume_capabilities() = capability_;
  return Call<proto::CreateVolumeResponse>(call, *controller_,
                                           &proto::Controller::Stub::CreateVolume, request)
      .volume()
      .volume_id();
}

std::string Client::Restore(const std::string& call, const std::string& name,
                            const std::string& snapshot, int64_t bytes) {
  proto::CreateVolumeRequest request;
  request.set_name(name);
  request.mutable_capacity_range()->set_required_bytes(bytes);
  *request.add_volume_capabilities() = capability_;
  request.mutable_volume_content_source()->mutable_snapshot()->set_snapshot_id(snapshot);
  return Call<proto::CreateVolumeResponse>(call, *controller_,
                                           &proto::Controller::Stub::CreateVolume, request)
      .volume()
      .volume_id();
}

void Client::Delete(const std::string& call, const std::string& id) {
  proto::DeleteVolumeRequest request;
  request.set_volume_id(id);
  Call<proto::DeleteVolumeResponse>(call, *controller_, &proto::Controller::Stub::DeleteVolume,
                                    request);
}

void Client::Stage(const std::string& call, const std::string& id) {
  proto::NodeStageVolumeRequest request;
  request.set_volume_id(id);
  request.set_staging_target_path(staging_path());
  *request.mutable_volume_capability() = capability_;
  Call<proto::NodeStageVolumeResponse>(call, *node_, &proto::Node::Stub::NodeStageVolume, request);
}

void Client::Unstage(const std::string& call, const std::string& id) {
  proto::NodeUnstageVolumeRequest request;
  request.set_volume_id(id);
  request.set_staging_target_path(staging_path());
  Call<proto::NodeUnstageVolumeResponse>(call, *node_, &proto::Node::Stub::NodeUnstageVolume,
                                         request);
}

void Client::Publish(const std::string& call, const std::string& id) {
  proto::NodePublishVolumeRequest request;
  request.set_volume_id(id);
  request.set_staging_target_path(staging_path());
  request.set_target_path(target_path());
  *request.mutable_volume_capability() = capability_;
  Call<proto::NodePublishVolumeResponse>(call, *node_, &proto::Node::Stub::NodePublishVolume,
                                         request);
}

void Client::Stats(const std::string& call, const std::string& id) {
  proto::NodeGetVolumeStatsRequest request;
  request.set_volume_id(id);
  request.set_volume_path(target_path());
  Call<proto::NodeGetVolumeStatsResponse>(call, *node_, &proto::Node::Stub::NodeGetVolumeStats,
                                          request);
}

void Client::Unpublish(const std::string& call, const std::string& id) {
  proto::NodeUnpublishVolumeRequest request;
  request.set_volume_id(id);
  request.set_target_path(target_path());
  Call<proto::NodeUnpublishVolumeResponse>(call, *node_, &proto::Node::Stub::NodeUnpublishVolume,
                                           request);
}

std::string Client::Snapshot(const std::string& call, const std::string& name,
                             const std::string& id) {
  proto::CreateSnapshotRequest request;
  request.set_name(name);
  request.set_source_volume_id(id);
  return Call<proto::CreateSnapshotResponse>(call, *controller_,
                                             &proto::Controller::Stub::CreateSnapshot, request)
      .snapshot()
      .snapshot_id();
}

void Client::DeleteSnapshot(const std::string& call, const std::string& id) {
  proto::DeleteSnapshotRequest request;
  request.set_snapshot_id(id);
  Call<proto::DeleteSnapshotResponse>(call, *controller_, &proto::Controller::Stub::DeleteSnapshot,
                                      request);
}

void PrintTimes(const std::string& name, std::vector<double>& milliseconds) {
  std::ranges::sort(milliseconds);
  std::printf("%-34s p50 %8.3f ms   p90 %8.3f ms   n %zu", name.c_str(),
              milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 9 / 10],
              milliseconds.size());
}

}  // namespace trivet::bench
