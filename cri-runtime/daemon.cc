#include "cri-runtime/daemon.h"

#include <spdlog/spdlog.h>

#include <thread>

#include "common/linux/bare_mounts.h"
#include "common/linux/file.h"
#include "common/linux/memory.h"
#include "common/linux/netns_pin.h"
#include "common/linux/open_files.h"
#include "common/linux/scheduling.h"
#include "common/rpc/call_count.h"
#include "common/rpc/server.h"
#include "cri-runtime/container/capabilities.h"
#include "cri-runtime/container/ending.h"
#include "cri-runtime/container/image_volume.h"
#include "cri-runtime/container/mount_points.h"
#include "cri-runtime/operations/metrics_server.h"
#include "cri-runtime/operations/prometheus.h"
#include "cri-runtime/operations/run_loop.h"
#include "cri-runtime/preflight.h"
#include "cri-runtime/recovery.h"
#include "cri-runtime/sandbox/spare_making.h"
#include "cri-runtime/service/image_service.h"
#include "cri-runtime/service/runtime_service.h"
#include "cri-runtime/systemd/systemd_cgroups.h"

namespace trivet::cri {
namespace {

constexpr auto kGrace = std::chrono::seconds(10);

// The images of the containers that exist keep their layers.
std::vector<image::Pin> PinsOf(const state::Snapshot& snapshot) {
  std::vector<image::Pin> pins;
  for (const auto& [id, container] : snapshot.containers) {
    for (image::Pin& pin : container::PinsOf(*container->record)) pins.push_back(std::move(pin));
  }
  return pins;
}

std::vector<std::filesystem::path> BinDirs(const Config& config) {
  return {config.cni_bin_dirs.begin(), config.cni_bin_dirs.end()};
}

Result<> MakeFolders(const Paths& paths) {
  for (const auto& folder :
       {paths.Shims(), paths.state, paths.Pods(), paths.Uppers(), paths.Checkpoints()}) {
    RETURN_IF_ERROR(EnsureDirectory(folder));
  }
  RETURN_IF_ERROR(MakePinFolder(paths.NetworkNamespaces()));
  return container::MakeMountPoints(paths.MountPoints());
}

Result<std::unique_ptr<Cgroups>> OpenCgroups(const Config& config) {
  if (config.cgroup_driver != "systemd") return Cgroups::Open(config.cgroup_root);
  return systemd::SystemdCgroups::Open(config.cgroup_root, config.shim);
}

// Without it containers are kept from other devices by their mounts, which CAP_SYS_ADMIN undoes.
bool CanRestrictDevices(const Cgroups& cgroups) {
  const auto can = cgroups.CheckDeviceControl();
  if (!can) spdlog::warn("cgroups cannot restrict devices error=\"{}\"", can.error().message());
  return can.has_value();
}

// Without it each container copies the node's mounts, and undoes them.
UniqueFd OpenBareMounts(const Paths& paths) {
  auto bare = MakeBareMounts(paths.run);
  if (bare) return std::move(*bare);
  spdlog::warn("no bare mount namespace error=\"{}\"", bare.error().message());
  return UniqueFd();
}

// What is done without where it cannot be had.
void AskTheKernel(Node& node) {
  node.restricts_devices = CanRestrictDevices(node.cgroups);
  node.bare_mounts = OpenBareMounts(node.paths);
}

Result<selinux::Policy> OpenSelinux(const Config& config) {
  ASSIGN_OR_RETURN(const selinux::Mode mode, selinux::ParseMode(config.selinux));
  return selinux::Policy::Open(mode);
}

// What of the daemon is there for its whole life.
struct Parts {
  Node& node;
  sandbox::Sandboxes& sandboxes;
  container::Containers& containers;
};

void ReloadConfig(LiveConfig& live, const std::function<Result<Config>()>& reload) {
  const auto next = reload();
  if (!next) {
    spdlog::error("configuration is not reloaded error=\"{}\"", next.error().message());
    return;
  }
  const std::vector<std::string> left = live.Replace(*next);
  spdlog::info("configuration is reloaded");
  if (!left.empty()) spdlog::warn("a restart is needed for {}", fmt::join(left, ", "));
}

Result<std::unique_ptr<MetricsServer>> StartMetrics(const Parts& parts) {
  const std::string address = parts.node.config->metrics_address;
  if (address.empty()) return nullptr;
  return MetricsServer::Start(address, [&parts] {
    return PrometheusText(
        {.calls = rpc::ProcessCalls().Calls(),
         .snapshot = parts.node.store.Get(),
         .network_ready = parts.node.network_monitor.Ready().has_value(),
         .running_operations = parts.sandboxes.Running().size() + parts.containers.Running().size(),
         .resident_bytes = ReadResidentBytes()});
  });
}

// Much of it goes on beside, until `recovery` ends.
Result<> Recover(Recovery& recovery) {
  RETURN_IF_ERROR(recovery.Sweep());
  recovery.ClearCheckpoints();
  recovery.Reconnect();
  recovery.TidyNetworks();
  return {};
}

// gRPC's threads, and those that they make later, are as the one that starts them.
Result<rpc::Server> StartServer(const std::filesystem::path& socket, RuntimeService& runtime,
                                ImageService& images) {
  Result<rpc::Server> server = Fail(Code::kInternal, "not started");
  std::thread([&] {
    if (const auto urgent = BeUrgent(); !urgent) {
      spdlog::warn("lists may wait for pods that start error=\"{}\"", urgent.error().message());
    }
    server = rpc::Server::Start(socket, {&runtime, &images},
                                [&](rpc::CallQueue& calls) { runtime.AwaitAll(calls); });
  }).join();
  return server;
}

Result<> ServeCalls(const Parts& parts, const sigset_t& signals,
                    const std::function<Result<Config>()>& reload) {
  const auto config = parts.node.config.Get();
  RuntimeService runtime_service(parts.node, parts.sandboxes, parts.containers);
  ImageService image_service(parts.node.images, parts.node.config);
  ASSIGN_OR_RETURN(auto server, StartServer(config->socket, runtime_service, image_service),
                   "start");
  ASSIGN_OR_RETURN(const auto metrics, StartMetrics(parts), "metrics");
  spdlog::info("serving socket={} cgroup={} driver={}", config->socket.native(),
               parts.node.cgroups.is_v2() ? "v2" : "v1", config->cgroup_driver);
  ForgetStart();
  const int signal = RunUntilStopped(
      signals, [&] { ReloadConfig(parts.node.config, reload); },
      // Whoever holds one of these locks for ever has stopped the daemon.
      [&] { static_cast<void>(parts.node.store.Get() && !parts.sandboxes.Running().empty()); });
  spdlog::info("stopping signal={}", signal);
  parts.node.store.events().Close();  // streams of events would last as long as their clients
  server.Stop(kGrace);
  return {};
}

}  // namespace

Result<> Serve(const Config& config, const std::function<Result<Config>()>& reload) {
  RETURN_IF_ERROR(CheckNode(config), "this node cannot run containers");
  const sigset_t stop_signals = rpc::BlockStopSignals();  // before any thread exists
  ShareHeapsWithUrgent();
  ASSIGN_OR_RETURN(const rlimit open_files, RaiseOpenFilesLimit());

  LiveConfig live_config(config);
  const Paths paths{.state = config.state_dir, .run = config.run_dir};
  RETURN_IF_ERROR(MakeFolders(paths), "folders");
  ASSIGN_OR_RETURN(const auto store, state::Store::Open(paths), "state");
  ASSIGN_OR_RETURN(const auto images,
                   image::Store::Open({.root = paths.Images(),
                                       .limits = LimitsOnImages(config),
                                       .pins = PinsOf(*store->Get())}),
                   "image store");
  ASSIGN_OR_RETURN(const auto cgroups, OpenCgroups(config), "cgroups");
  const network::Network network(BinDirs(config));
  ASSIGN_OR_RETURN(const auto pod_cidrs, network::PodCidrs::Open(paths.PodCidrs()), "pod CIDRs");
  ASSIGN_OR_RETURN(const auto network_monitor,
                   network::NetworkMonitor::Start(
                       network, {.directory = config.cni_config_dir,
                                 .capability_args = [&] { return pod_cidrs->CapabilityArgs(); }}));
  sandbox::ShimLauncher launcher;
  RETURN_IF_ERROR(launcher.Prepare(config.shim), "shim");
  sandbox::Spares spares(sandbox::SpareMaker({live_config, paths, launcher, network, *pod_cidrs}));
  container::SeccompFilters seccomp;
  container::ImageAccounts accounts;
  ASSIGN_OR_RETURN(const selinux::Policy selinux_policy, OpenSelinux(config), "selinux");
  selinux::Levels selinux_levels;
  state::KeyedMutex sandbox_locks;
  ASSIGN_OR_RETURN(const uint64_t capabilities, container::ReadAvailableCapabilities());
  ASSIGN_OR_RETURN(const std::string boot_id, ReadBootId());

  std::unique_ptr<Node> node;
  std::unique_ptr<sandbox::Sandboxes> sandboxes;
  ASSIGN_OR_RETURN(
      const auto shims,
      ShimReactor::Start({.container_exited =
                              [&](const shim::ExitRecord& exit) {
                                // One that was removed meanwhile is nobody's.
                                static_cast<void>(container::RecordExit(*node, exit));
                              },
                          .shim_gone = [&](const std::string& id) { sandboxes->MarkDead(id); }}),
      "shims");
  node.reset(new Node{live_config, paths, *store, *images, accounts, *shims, launcher, spares,
                      *cgroups, network, *network_monitor, *pod_cidrs, seccomp, selinux_policy,
                      selinux_levels, capabilities, boot_id, sandbox_locks});
  AskTheKernel(*node);
  node->open_files = open_files;
  sandboxes = std::make_unique<sandbox::Sandboxes>(*node);
  container::Containers containers(*node);

  Recovery recovery(*node, *sandboxes);
  RETURN_IF_ERROR(Recover(recovery), "recovery");

  const Parts parts{*node, *sandboxes, containers};
  RETURN_IF_ERROR(ServeCalls(parts, stop_signals, reload));
  sandboxes->AwaitRuns();  // the shims' connections go next
  return {};
}

}  // namespace trivet::cri
