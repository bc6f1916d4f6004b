// Measures a running CSI driver over its socket: p50 and p90 of each call in a volume's life.
// Usage: csi_bench SOCKET FOLDER [ROUNDS [ext4|xfs|block [MIB]]]. tests/bench/csi/run starts
// trivet-csi for it.

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "proto/csi/csi.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace ::csi::v1;

struct Plan {
  std::string socket;
  std::string folder;
  int rounds = 50;
  std::string kind = "ext4";
  int64_t bytes = int64_t{1} << 30;
};

class Bench {
 public:
  explicit Bench(const Plan& plan)
      : plan_(plan),
        channel_(grpc::CreateChannel("unix:" + plan.socket, grpc::InsecureChannelCredentials())),
        identity_(Identity::NewStub(channel_)),
        controller_(Controller::NewStub(channel_)),
        node_(Node::NewStub(channel_)) {
    capability_.mutable_access_mode()->set_mode(
        VolumeCapability::AccessMode::SINGLE_NODE_MULTI_WRITER);
    if (plan.kind == "block") {
      capability_.mutable_block();
    } else {
      capability_.mutable_mount()->set_fs_type(plan.kind);
    }
  }

  void Run() {
    for (int round = 0; round < plan_.rounds; ++round) {
      Call<ProbeResponse>("Probe (gRPC itself)", *identity_, &Identity::Stub::Probe,
                          ProbeRequest());
      OneLife(Create("bench-" + std::to_string(round)));
    }
    for (auto& [name, milliseconds] : samples_) {
      std::ranges::sort(milliseconds);
      std::printf("%-34s p50 %8.3f ms   p90 %8.3f ms   n %zu\n", name.c_str(),
                  milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 9 / 10],
                  milliseconds.size());
    }
  }

 private:
  template <class Response, class Stub, class Method, class Request>
  Response Call(const std::string& name, Stub& stub, Method method, const Request& request) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    Response response;
    const auto start = Clock::now();
    const grpc::Status status = (stub.*method)(&context, request, &response);
    const std::chrono::duration<double, std::milli> taken = Clock::now() - start;
    if (!status.ok()) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), status.error_message().c_str());
      std::exit(EXIT_FAILURE);
    }
    samples_[name].push_back(taken.count());
    return response;
  }

  std::string Create(const std::string& name) {
    CreateVolumeRequest request;
    request.set_name(name);
    request.mutable_capacity_range()->set_required_bytes(plan_.bytes);
    *request.add_volume_capabilities() = capability_;
    return Call<CreateVolumeResponse>("1 CreateVolume", *controller_,
                                      &Controller::Stub::CreateVolume, request)
        .volume()
        .volume_id();
  }

  void Stage(const std::string& name, const std::string& id) {
    NodeStageVolumeRequest request;
    request.set_volume_id(id);
    request.set_staging_target_path(plan_.folder + "/stage");
    *request.mutable_volume_capability() = capability_;
    Call<NodeStageVolumeResponse>(name, *node_, &Node::Stub::NodeStageVolume, request);
  }

  void PublishAndBack(const std::string& id) {
    NodePublishVolumeRequest publish;
    publish.set_volume_id(id);
    publish.set_staging_target_path(plan_.folder + "/stage");
    publish.set_target_path(plan_.folder + "/target");
    *publish.mutable_volume_capability() = capability_;
    Call<NodePublishVolumeResponse>("3 NodePublishVolume", *node_, &Node::Stub::NodePublishVolume,
                                    publish);
    NodeGetVolumeStatsRequest stats;
    stats.set_volume_id(id);
    stats.set_volume_path(plan_.folder + "/target");
    Call<NodeGetVolumeStatsResponse>("4 NodeGetVolumeStats", *node_,
                                     &Node::Stub::NodeGetVolumeStats, stats);
    NodeUnpublishVolumeRequest unpublish;
    unpublish.set_volume_id(id);
    unpublish.set_target_path(plan_.folder + "/target");
    Call<NodeUnpublishVolumeResponse>("5 NodeUnpublishVolume", *node_,
                                      &Node::Stub::NodeUnpublishVolume, unpublish);
  }

  void Unstage(const std::string& id) {
    NodeUnstageVolumeRequest request;
    request.set_volume_id(id);
    request.set_staging_target_path(plan_.folder + "/stage");
    Call<NodeUnstageVolumeResponse>("6 NodeUnstageVolume", *node_, &Node::Stub::NodeUnstageVolume,
                                    request);
  }

  void OneLife(const std::string& id) {
    for (const char* name : {"2a NodeStageVolume (formats)", "2b NodeStageVolume (again)"}) {
      Stage(name, id);
      PublishAndBack(id);
      Unstage(id);
    }
    DeleteVolumeRequest request;
    request.set_volume_id(id);
    Call<DeleteVolumeResponse>("7 DeleteVolume", *controller_, &Controller::Stub::DeleteVolume,
                               request);
  }

  const Plan plan_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Identity::Stub> identity_;
  std::unique_ptr<Controller::Stub> controller_;
  std::unique_ptr<Node::Stub> node_;
  VolumeCapability capability_;
  std::map<std::string, std::vector<double>> samples_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: csi_bench SOCKET FOLDER [ROUNDS [ext4|xfs|block [MIB]]]\n");
    return EXIT_FAILURE;
  }
  Plan plan{.socket = argv[1], .folder = argv[2]};
  if (argc > 3) plan.rounds = std::max(1, std::atoi(argv[3]));
  if (argc > 4) plan.kind = argv[4];
  if (argc > 5) plan.bytes = std::max(1L, std::atol(argv[5])) << 20;
  std::filesystem::create_directories(plan.folder + "/stage");
  Bench(plan).Run();
  return EXIT_SUCCESS;
}
