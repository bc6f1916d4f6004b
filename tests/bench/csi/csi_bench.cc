// Measures a running CSI driver over its socket: p50 and p90 of each call in a volume's life, and
// the ratio to the floor: the bare system calls (kernel_floor.h) plus an empty call over gRPC,
// taken in turns with the driver's. Usage: csi_bench SOCKET FOLDER POOL [ROUNDS
// [ext4|xfs|btrfs|block [MIB]]]. tests/bench/csi/run starts trivet-csi for it, with its pool at
// POOL.

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
#include "tests/bench/csi/kernel_floor.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace ::csi::v1;

struct Plan {
  std::string socket;
  std::string folder;
  std::string pool;
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
      Call<ProbeResponse>(kProbe, *identity_, &Identity::Stub::Probe, ProbeRequest());
      OneFloor();
      OneLife(Create("bench-" + std::to_string(round)));
    }
    for (auto& [name, milliseconds] : samples_) std::ranges::sort(milliseconds);
    for (const auto& [name, milliseconds] : samples_) {
      std::printf("%-34s p50 %8.3f ms   p90 %8.3f ms   n %zu", name.c_str(), P50(name),
                  milliseconds[milliseconds.size() * 9 / 10], milliseconds.size());
      const auto floor = kFloors.find(name);
      if (floor != kFloors.end()) {
        const double least = P50(floor->second) + P50(kProbe);
        std::printf("   %5.2f x the floor of %.3f ms", P50(name) / least, least);
      }
      std::printf("\n");
    }
  }

 private:
  static constexpr const char* kProbe = "Probe (gRPC itself)";
  // Which bare system calls each call cannot do without.
  static inline const std::map<std::string, std::string> kFloors = {
      {"1 CreateVolume", "floor: image and record"},
      {"3 NodePublishVolume", "floor: mkdir and bind"},
      {"4 NodeGetVolumeStats", "floor: statvfs"},
      {"5 NodeUnpublishVolume", "floor: umount and rmdir"},
      {"7 CreateSnapshot", "floor: shared copy and record"},
      {"8 CreateVolume (restore)", "floor: shared copy and record"},
      {"9 DeleteVolume", "floor: unlink both"},
  };

  [[nodiscard]] double P50(const std::string& name) const {
    const auto& milliseconds = samples_.at(name);
    return milliseconds[milliseconds.size() / 2];
  }

  template <class Step>
  void Time(const std::string& name, Step step) {
    const auto start = Clock::now();
    step();
    samples_[name].push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }

  void OneFloor() {
    namespace floor = trivet::bench::floor;
    const std::filesystem::path folder = plan_.folder;
    const std::filesystem::path target = folder / "floor";
    Time("floor: image and record",
         [&] { floor::MakeImage(plan_.pool, folder, static_cast<uint64_t>(plan_.bytes)); });
    Time("floor: mkdir and bind", [&] { floor::Bind(plan_.pool, target); });
    Time("floor: statvfs", [&] { floor::Stat(target); });
    Time("floor: umount and rmdir", [&] { floor::Unbind(target); });
    Time("floor: shared copy and record", [&] { floor::Copy(plan_.pool, folder); });
    floor::RemoveCopy(plan_.pool, folder);
    Time("floor: unlink both", [&] { floor::RemoveImage(plan_.pool, folder); });
  }

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

  void SnapshotAndBack(const std::string& id) {
    CreateSnapshotRequest cut;
    cut.set_name("snapshot");
    cut.set_source_volume_id(id);
    const std::string snapshot =
        Call<CreateSnapshotResponse>("7 CreateSnapshot", *controller_,
                                     &Controller::Stub::CreateSnapshot, cut)
            .snapshot()
            .snapshot_id();
    CreateVolumeRequest restore;
    restore.set_name("restored");
    *restore.add_volume_capabilities() = capability_;
    restore.mutable_volume_content_source()->mutable_snapshot()->set_snapshot_id(snapshot);
    DeleteVolume("9 DeleteVolume (restored)",
                 Call<CreateVolumeResponse>("8 CreateVolume (restore)", *controller_,
                                            &Controller::Stub::CreateVolume, restore)
                     .volume()
                     .volume_id());
    DeleteSnapshotRequest remove;
    remove.set_snapshot_id(snapshot);
    Call<DeleteSnapshotResponse>("9 DeleteSnapshot", *controller_,
                                 &Controller::Stub::DeleteSnapshot, remove);
  }

  void DeleteVolume(const std::string& name, const std::string& id) {
    DeleteVolumeRequest request;
    request.set_volume_id(id);
    Call<DeleteVolumeResponse>(name, *controller_, &Controller::Stub::DeleteVolume, request);
  }

  void OneLife(const std::string& id) {
    for (const char* name : {"2a NodeStageVolume (formats)", "2b NodeStageVolume (again)"}) {
      Stage(name, id);
      PublishAndBack(id);
      Unstage(id);
    }
    SnapshotAndBack(id);
    DeleteVolume("9 DeleteVolume", id);
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
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: csi_bench SOCKET FOLDER POOL [ROUNDS [ext4|xfs|btrfs|block [MIB]]]\n");
    return EXIT_FAILURE;
  }
  Plan plan{.socket = argv[1], .folder = argv[2], .pool = argv[3]};
  if (argc > 4) plan.rounds = std::max(1, std::atoi(argv[4]));
  if (argc > 5) plan.kind = argv[5];
  if (argc > 6) plan.bytes = std::max(1L, std::atol(argv[6])) << 20;
  std::filesystem::create_directories(plan.folder + "/stage");
  Bench(plan).Run();
  return EXIT_SUCCESS;
}
