// A pod's life by bare system calls, for the bench to put beside the runtimes: the same namespaces,
// bridge network, cgroups, overlay, mounts, execve and exec. Answers each line "life" on standard
// input with a line of JSON, as cri_bench does.
// Usage: cri_floor FOLDER CGROUP LIMITS BRIDGE [confined] (LIMITS as of cri_bench). In mount and
// network namespaces of its own; FOLDER is empty, on a file system that overlays can be on; BRIDGE
// is a free name. Confined: also what the kubelet asks for beyond that (confinement.h), and the
// device rules.

#include <fcntl.h>
#include <sys/mount.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "common/linux/cgroup.h"
#include "common/linux/device_rules.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "cri-runtime/container/seccomp_filter.h"
#include "tests/bench/cri/floor_network.h"
#include "tests/bench/shim/bench_root.h"
#include "tests/bench/shim/kernel_floor.h"
#include "tests/bench/shim/samples.h"

namespace trivet::bench {
namespace {

// Of the pod and the container, and where they go.
constexpr std::array kOwnFiles{"hostname", "hosts", "resolv.conf", "termination-log"};
constexpr std::array kTargets{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
                              "/dev/termination-log"};

class FloorBench {
 public:
  static Result<FloorBench> Make(const std::filesystem::path& folder, std::string group,
                                 bool limited, const char* bridge_name, bool confined) {
    RETURN_IF_ERROR(BenchRoot::Make(folder / "lower"));
    RETURN_IF_ERROR(EnsureDirectory(folder / "attach"));
    ASSIGN_OR_RETURN(auto cgroups, Cgroups::Open());
    ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
    ASSIGN_OR_RETURN(const uint32_t bridge, floor::MakeBridge(socket, bridge_name));
    FloorBench bench(folder, std::move(group), limited, std::move(cgroups), std::move(socket),
                     bridge);
    if (confined) RETURN_IF_ERROR(bench.PrepareConfinement());
    return bench;
  }

  Result<> Life() {
    const std::string netns = folder_ / "netns";
    RETURN_IF_ERROR(WriteFileVolatile(netns, ""));
    const auto begin = Samples::Clock::now();
    ASSIGN_OR_RETURN(const Child pod,
                     samples_.Time("RunPodSandbox", [&] { return StartPod(netns); }));
    ASSIGN_OR_RETURN(const Child container,
                     samples_.Time("StartContainer", [&] { return StartContainer(); }));
    samples_.Add("ready", Samples::Clock::now() - begin);
    RETURN_IF_ERROR(samples_.Time("ExecSync", [&] { return floor::Exec(container); }));
    return samples_.Time("gone", [&] { return End(pod, container, netns); });
  }

  Samples TakeSamples() { return std::exchange(samples_, {}); }

 private:
  FloorBench(std::filesystem::path folder, std::string group, bool limited,
             std::unique_ptr<Cgroups> cgroups, netlink::RouteSocket socket, uint32_t bridge)
      : folder_(std::move(folder)),
        group_(std::move(group)),
        limited_(limited),
        cgroups_(std::move(cgroups)),
        socket_(std::move(socket)),
        bridge_(bridge) {}

  Result<> PrepareConfinement() {
    for (const char* name : kOwnFiles) RETURN_IF_ERROR(WriteFileVolatile(folder_ / name, ""));
    ASSIGN_OR_RETURN(filter_,
                     container::SeccompFilters().Get(container::ProfileKind::kRuntimeDefault, "",
                                                     floor::kCapabilities));
    return {};
  }

  Result<floor::Confinement> MakeConfinement() const {
    floor::Confinement confinement{.mounts = {}, .filter = filter_};
    for (size_t i = 0; i < kOwnFiles.size(); ++i) {
      ASSIGN_OR_RETURN(DetachedMount file, DetachedMount::Bind(folder_ / kOwnFiles[i]));
      confinement.mounts.emplace_back(std::move(file).TakeFd(), kTargets[i]);
    }
    return confinement;
  }

  Result<Child> StartPod(const std::string& netns) {
    ASSIGN_OR_RETURN(Child pod, floor::StartPod(netns.c_str()));
    RETURN_IF_ERROR(floor::Connect(socket_, bridge_, netns.c_str()));
    return pod;
  }

  Result<Child> StartContainer() {
    floor::ContainerParts parts{.attach_point = folder_ / "attach"};
    RETURN_IF_ERROR(MakeGroup(parts));
    RETURN_IF_ERROR(EnsureDirectory(folder_ / "upper"));
    RETURN_IF_ERROR(EnsureDirectory(folder_ / "work"));
    ASSIGN_OR_RETURN(DetachedMount root, DetachedMount::Overlay({.lower = {folder_ / "lower"},
                                                                 .upper = folder_ / "upper",
                                                                 .work = folder_ / "work",
                                                                 .is_volatile = true}));
    parts.root = std::move(root).TakeFd();
    ASSIGN_OR_RETURN(parts.usr, BenchRoot::Usr());
    if (!filter_.empty()) {
      ASSIGN_OR_RETURN(parts.confinement, MakeConfinement());
      RETURN_IF_ERROR(cgroups_->SetDevices(group_, DefaultDeviceRules()));
    }
    return floor::StartContainer(parts);
  }

  Result<> MakeGroup(floor::ContainerParts& parts) {
    RETURN_IF_ERROR(cgroups_->Create(group_));
    if (limited_) {
      RETURN_IF_ERROR(
          cgroups_->SetLimits(group_, {.memory_bytes = int64_t{128} << 20, .cpu_shares = 102}));
    }
    if (cgroups_->is_v2()) {
      const std::filesystem::path folder = cgroups_->BirthFolder(group_);
      parts.birth_group.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      return {};
    }
    for (const auto& file : cgroups_->EntryFiles(group_)) {
      parts.procs_files.emplace_back(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    }
    return {};
  }

  Result<> End(const Child& pod, const Child& container, const std::string& netns) {
    for (const Child* child : {&container, &pod}) {
      RETURN_IF_ERROR(SendSignal(child->pidfd, SIGKILL));
      ASSIGN_OR_RETURN([[maybe_unused]] const int exit_code, Reap(child->pidfd));
    }
    // The veth goes with the namespace, but later: its name is wanted again at once.
    RETURN_IF_ERROR(floor::Disconnect(socket_));
    RETURN_IF_ERROR(Unmount(netns, true));
    RETURN_IF_ERROR(RemoveTree(folder_ / "upper"));
    RETURN_IF_ERROR(RemoveTree(folder_ / "work"));
    return cgroups_->Remove(group_);
  }

  std::filesystem::path folder_;
  std::string group_;
  bool limited_ = true;
  std::unique_ptr<Cgroups> cgroups_;
  netlink::RouteSocket socket_;
  uint32_t bridge_ = 0;
  std::string filter_;  // empty: not confined
  Samples samples_;
};

Result<> Serve(FloorBench bench) {
  for (std::string line; std::getline(std::cin, line);) {
    const auto begin = Samples::Clock::now();
    const auto done = bench.Life();
    const auto taken = Samples::Clock::now() - begin;
    std::cout << bench.TakeSamples().ToJson(taken, done) << std::endl;
  }
  return {};
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  using trivet::bench::FloorBench;
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: cri_floor FOLDER CGROUP LIMITS BRIDGE [confined]\n");
    return EXIT_FAILURE;
  }
  const bool limited = std::string_view(argv[3]) == "limits";
  auto bench = FloorBench::Make(argv[1], argv[2], limited, argv[4], argc == 6);
  const auto result = bench ? trivet::bench::Serve(std::move(*bench))
                            : trivet::Result<>(std::unexpected(bench.error()));
  if (result) return EXIT_SUCCESS;
  std::fprintf(stderr, "cri_floor: %s\n", result.error().message().c_str());
  return EXIT_FAILURE;
}
