// Measures a running CSI driver over its socket: p50 and p90 of each call in a volume's life, and
// the ratio to the floor: the bare system calls (kernel_floor.h) plus an empty call over gRPC,
// taken in turns with the driver's. Beside that: many clients at once, and many volumes (crowd.h).
// tests/bench/csi/run starts trivet-csi for it, with its pool at POOL.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/csi/client.h"
#include "tests/bench/csi/crowd.h"
#include "tests/bench/csi/kernel_floor.h"

namespace {

struct Plan {
  std::string socket;
  std::string folder;
  std::string pool;
  int rounds = 0;
  std::string kind;
  int64_t bytes = 0;
};

class Bench {
 public:
  explicit Bench(const Plan& plan) : plan_(plan), client_(plan.socket, plan.folder, plan.kind) {}

  void Run() {
    for (int round = 0; round < plan_.rounds; ++round) {
      client_.Probe(kProbe);
      OneFloor();
      OneLife("bench-" + std::to_string(round));
    }
    auto all = client_.times();
    for (auto& [name, milliseconds] : all) {
      trivet::bench::PrintTimes(name, milliseconds);
      if (const auto floor = kFloors.find(name); floor != kFloors.end()) {
        const double least = P50(all.at(floor->second)) + P50(all.at(kProbe));
        std::printf("   %5.2f x the floor of %.3f ms", P50(milliseconds) / least, least);
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

  static double P50(std::vector<double> milliseconds) {
    std::ranges::sort(milliseconds);
    return milliseconds[milliseconds.size() / 2];
  }

  void OneFloor() {
    namespace floor = trivet::bench::floor;
    const std::filesystem::path folder = plan_.folder;
    const std::filesystem::path target = folder / "floor";
    client_.Time("floor: image and record",
                 [&] { floor::MakeImage(plan_.pool, folder, static_cast<uint64_t>(plan_.bytes)); });
    client_.Time("floor: mkdir and bind", [&] { floor::Bind(plan_.pool, target); });
    client_.Time("floor: statvfs", [&] { floor::Stat(target); });
    client_.Time("floor: umount and rmdir", [&] { floor::Unbind(target); });
    client_.Time("floor: shared copy and record", [&] { floor::Copy(plan_.pool, folder); });
    floor::RemoveCopy(plan_.pool, folder);
    client_.Time("floor: unlink both", [&] { floor::RemoveImage(plan_.pool, folder); });
  }

  void OneLife(const std::string& name) {
    const std::string id = client_.Create("1 CreateVolume", name, plan_.bytes);
    for (const char* stage : {"2a NodeStageVolume (formats)", "2b NodeStageVolume (again)"}) {
      client_.Stage(stage, id);
      client_.Publish("3 NodePublishVolume", id);
      client_.Stats("4 NodeGetVolumeStats", id);
      client_.Unpublish("5 NodeUnpublishVolume", id);
      client_.Unstage("6 NodeUnstageVolume", id);
    }
    const std::string snapshot = client_.Snapshot("7 CreateSnapshot", "snapshot", id);
    const std::string restored =
        client_.Restore("8 CreateVolume (restore)", "restored", snapshot, plan_.bytes);
    client_.Delete("9 DeleteVolume (restored)", restored);
    client_.DeleteSnapshot("9 DeleteSnapshot", snapshot);
    client_.Delete("9 DeleteVolume", id);
  }

  const Plan plan_;
  trivet::bench::Client client_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "life" && arguments.size() == 7) {
    const Plan plan{.socket = arguments[1],
                    .folder = arguments[2],
                    .pool = arguments[3],
                    .rounds = std::max(1, std::stoi(arguments[4])),
                    .kind = arguments[5],
                    .bytes = std::max(1L, std::stol(arguments[6])) << 20};
    Bench(plan).Run();
    return EXIT_SUCCESS;
  }
  namespace crowd = trivet::bench::crowd;
  if (what == "crowd" && arguments.size() == 5) {
    crowd::Run(arguments[1], arguments[2], std::stoi(arguments[3]), std::stoi(arguments[4]));
    return EXIT_SUCCESS;
  }
  if (what == "fill" && arguments.size() == 4) {
    crowd::Fill(arguments[1], arguments[2], std::stoi(arguments[3]));
    return EXIT_SUCCESS;
  }
  if (what == "show" && arguments.size() == 4) {
    crowd::Show(arguments[1], arguments[2], std::stol(arguments[3]) << 20);
    return EXIT_SUCCESS;
  }
  std::fprintf(stderr,
               "usage: csi_bench life SOCKET FOLDER POOL ROUNDS ext4|xfs|btrfs|block MIB\n"
               "       csi_bench crowd SOCKET FOLDER CLIENTS ROUNDS\n"
               "       csi_bench fill SOCKET FOLDER VOLUMES\n"
               "       csi_bench show SOCKET FOLDER MIB\n");
  return EXIT_FAILURE;
}
