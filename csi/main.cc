#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <optional>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "common/linux/memory.h"
#include "common/rpc/call_count.h"
#include "common/rpc/server.h"
#include "common/rpc/tls.h"
#include "csi/config.h"
#include "csi/forward/endpoints.h"
#include "csi/forward/serve.h"
#include "csi/metrics.h"
#include "csi/paths.h"
#include "csi/pool/describe.h"
#include "csi/pool/io_limiter.h"
#include "csi/pool/pools.h"
#include "csi/service/controller_service.h"
#include "csi/service/group_service.h"
#include "csi/service/identity_service.h"
#include "csi/service/node_service.h"
#include "csi/service/plugin.h"
#include "csi/service/snapshot_metadata_service.h"
#include "csi/volume/groups.h"
#include "csi/volume/health.h"
#include "csi/volume/inline_volumes.h"
#include "csi/volume/node_publications.h"
#include "csi/volume/node_volumes.h"
#include "csi/volume/orphans.h"
#include "csi/volume/provisioner.h"
#include "csi/volume/snapshot_blocks.h"
#include "csi/volume/snapshots.h"
#include "csi/volume/stores.h"
#include "csi/volume/tuning.h"

namespace trivet::csi {
namespace {

struct Options {
  std::filesystem::path socket = "/run/trivet/csi.sock";
  std::filesystem::path state = "/var/lib/trivet/csi";
  std::filesystem::path config = "/etc/trivet/csi.json";
  std::string node_id;
  std::string mode = "all";
  std::string spec_level = "1.12";
  bool attach = false;
  uint64_t max_volumes = 0;
  std::vector<std::string> io_groups = {"/"};
  std::filesystem::path metrics;
  std::string listen;
  rpc::TlsFiles tls;
  std::string tls_client = "trivet-csi-controller";
  std::vector<std::string> endpoints;
  std::filesystem::path endpoints_file;
  bool check_config = false;
};

std::string HostName() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

Place PlaceOf(const Options& options, const Config& config) {
  Place place{.node_id = options.node_id};
  for (const PoolConfig& pool : config.pools) place.pools[pool.name] = Describe(pool);
  return place;
}

Mode ModeOf(const Options& options) {
  return options.mode == "node" ? Mode::kNode : Mode::kAll;
}

SpecLevel LevelOf(const Options& options) {
  if (options.spec_level == "1.11") return SpecLevel::k1_11;
  return options.spec_level == "1.13" ? SpecLevel::k1_13 : SpecLevel::k1_12;
}

Offer OfferOf(const Options& options, const Pools& pools, Mode mode) {
  return {.mode = mode,
          .level = LevelOf(options),
          .copies = pools.can_copy(),
          .grows = pools.can_grow(),
          .attach = options.attach,
          .max_volumes = options.max_volumes};
}

ForwardOptions ForwardOptionsOf(const Options& options) {
  return {.socket = options.socket,
          .endpoints = options.endpoints,
          .endpoints_file = options.endpoints_file,
          .tls = options.tls,
          .level = LevelOf(options)};
}

// All that serves, made from the state on disk. Members are built in this order, from each other.
struct Driver {
  Driver(const Options& options, const Config& config, const Pools& the_pools, Stores& the_stores)
      : pools(the_pools),
        stores(the_stores),
        io_limiter("/sys/fs/cgroup", options.io_groups),
        offer(OfferOf(options, pools, ModeOf(options))),
        publications(stores, locks, options.max_volumes),
        identity(offer, PlaceOf(options, config)),
        listener_identity(OfferOf(options, pools, Mode::kController), PlaceOf(options, config)),
        controller({provisioner, snapshots, publications, tuning, health}, offer,
                   PlaceOf(options, config)),
        inline_volumes(provisioner, volumes, stores.volumes, Paths(options.state).inline_staging()),
        node(volumes, inline_volumes, health, offer, PlaceOf(options, config)) {}

  // Finishes what the last process left.
  void Reconcile() {
    volumes.Reconcile();  // thaws: what a copy below freezes again must not pass for another's
    provisioner.Reconcile();
    groups.Reconcile();
    snapshots.Reconcile();
    inline_volumes.Reconcile();
    tuning.ApplyToStaged();
    ReportOrphans(pools, stores);
  }

  std::vector<grpc::Service*> Services() {
    std::vector<grpc::Service*> services = {&identity};
    if (offer.mode != Mode::kNode) {
      services.insert(services.end(), {&controller, &group_controller, &snapshot_metadata});
    }
    services.push_back(&node);
    return services;
  }

  // For a controller elsewhere: what it forwards.
  std::vector<grpc::Service*> ListenerServices() {
    return {&listener_identity, &controller, &group_controller, &snapshot_metadata};
  }

  const Pools& pools;
  Stores& stores;
  const IoLimiter io_limiter;
  const Offer offer;
  VolumeLocks locks;
  Tuning tuning{stores, pools, locks, io_limiter};
  const Health health{stores, pools};
  Provisioner provisioner{stores, pools, locks};
  Snapshots snapshots{stores, pools, locks};
  Groups groups{stores, pools, locks};
  const SnapshotBlocks blocks{stores, pools, locks};
  NodeVolumes volumes{stores, pools, locks, tuning};
  NodePublications publications;
  IdentityService identity;
  IdentityService listener_identity;
  ControllerService controller;
  GroupService group_controller{groups, offer};
  SnapshotMetadataService snapshot_metadata{blocks};
  InlineVolumes inline_volumes;
  NodeService node;
};

void WriteMetricsFile(const std::filesystem::path& file, const Driver& driver) {
  if (file.empty()) return;
  const std::string text =
      WriteMetrics(driver.stores, driver.pools, driver.health, rpc::ProcessCalls().Calls());
  if (auto written = WriteFileVolatile(file, text, 0644); !written) {
    spdlog::error("no metrics reason=\"{}\"", written.error().message());
  }
}

// Meanwhile: control groups come and go, and where each has limits of its own, new ones are told
// soon; metrics are looked at four times a minute.
int AwaitStop(const sigset_t& stop_signals, const Driver& driver, const Options& options) {
  constexpr timespec kRound{.tv_sec = 2, .tv_nsec = 0};
  constexpr int kRoundsPerMetrics = 8;
  int signal = 0;
  if (!driver.io_limiter.must_repeat() && options.metrics.empty()) {
    sigwait(&stop_signals, &signal);
    return signal;
  }
  for (int round = 0; (signal = sigtimedwait(&stop_signals, nullptr, &kRound)) < 0; ++round) {
    if (driver.io_limiter.must_repeat()) driver.tuning.ApplyToStaged();
    if (round % kRoundsPerMetrics == 0) WriteMetricsFile(options.metrics, driver);
  }
  return signal;
}

// The controller's door, beside the socket of the node.
Result<std::optional<rpc::Server>> Listen(const Options& options, Driver& driver) {
  if (options.listen.empty()) return std::nullopt;
  const auto services = driver.ListenerServices();
  auto listener =
      IsUnix(options.listen)
          ? rpc::Server::Start(SocketOf(options.listen), services)
          : rpc::Server::Start(options.listen,
                               rpc::ServerCredentials(options.tls, options.tls_client), services);
  if (listener) spdlog::info("listening address={}", options.listen);
  return listener;
}

Result<> Serve(const Options& options, const Config& config) {
  constexpr auto kGrace = std::chrono::seconds(10);       // less than the supervisor's 30 s
  const sigset_t stop_signals = rpc::BlockStopSignals();  // before any thread exists
  ShareHeaps();
  const Paths paths(options.state);
  RETURN_IF_ERROR(EnsureDirectory(paths.state()), "state folder");
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::TryAcquire(paths.lock()),
                   "another trivet-csi uses this state folder");

  ASSIGN_OR_RETURN(const Pools pools, Pools::Open(config, paths));
  ASSIGN_OR_RETURN(Stores stores, Stores::Open(paths));
  Driver driver(options, config, pools, stores);
  driver.Reconcile();
  ASSIGN_OR_RETURN(auto server, rpc::Server::Start(options.socket, driver.Services()), "start");
  spdlog::info("serving socket={} node={} volumes={}", options.socket.native(), options.node_id,
               stores.volumes.All().size());
  ASSIGN_OR_RETURN(auto listener, Listen(options, driver), "listen");
  WriteMetricsFile(options.metrics, driver);
  ForgetStart();
  spdlog::info("stopping signal={}", AwaitStop(stop_signals, driver, options));
  if (listener) listener->Stop(kGrace);
  server.Stop(kGrace);
  return {};
}

Result<> CheckListener(const Options& options) {
  if (!options.endpoints.empty() || !options.endpoints_file.empty()) {
    return Fail(Code::kInvalidArgument, "node endpoints: are for --mode=controller");
  }
  if (options.listen.empty()) return {};
  RETURN_IF_ERROR(CheckAddress(options.listen), "--listen");
  if (IsUnix(options.listen)) return {};
  return rpc::CheckTls(options.tls);  // no way to serve strangers on the network
}

// It has no pools and no records: what is said of them would be without effect.
Result<> RunController(const Options& options, bool config_given) {
  if (config_given || options.attach || !options.listen.empty() || !options.metrics.empty()) {
    return Fail(
        Code::kInvalidArgument,
        "--mode=controller: --config, --attach, --listen and --metrics-file are the nodes'");
  }
  if (!options.check_config) return ServeForwarding(ForwardOptionsOf(options));
  RETURN_IF_ERROR(CheckForwarding(ForwardOptionsOf(options)));
  fmt::print("configuration is valid\n");
  return {};
}

Result<> Run(const Options& options, bool config_given) {
  if (options.mode == "controller") return RunController(options, config_given);
  RETURN_IF_ERROR(CheckNodeId(options.node_id));
  RETURN_IF_ERROR(CheckListener(options));
  if (config_given && !std::filesystem::exists(options.config)) {
    return Fail(Code::kNotFound, "configuration {}: does not exist", options.config.native());
  }
  ASSIGN_OR_RETURN(const Config config, LoadConfig(options.config, Paths(options.state)),
                   "configuration");
  if (!options.check_config) return Serve(options, config);
  for (const PoolConfig& pool : config.pools) {
    ASSIGN_OR_RETURN(const std::string found, Inspect(pool, Paths(options.state)), "configuration");
    fmt::print("{}", found);
  }
  fmt::print("configuration is valid: {} pool(s)\n", config.pools.size());
  return {};
}

void AddForwardFlags(CLI::App& app, Options& options) {
  app.add_option("--listen", options.listen,
                 "HOST:PORT (or unix:/PATH) that serves a controller elsewhere");
  app.add_option("--tls-cert", options.tls.certificate, "certificate (PEM) of this end");
  app.add_option("--tls-key", options.tls.key, "its key");
  app.add_option("--tls-ca", options.tls.authorities, "who signs the other end's certificate");
  app.add_option("--tls-client", options.tls_client,
                 "name in the certificate of the one client that --listen lets in")
      ->capture_default_str();
  app.add_option("--node-endpoint", options.endpoints,
                 "NODE=HOST:PORT (or NODE=unix:/PATH) to forward to; repeatable");
  app.add_option("--node-endpoints-file", options.endpoints_file,
                 "more of them, one a line; read again when it changes");
}

}  // namespace
}  // namespace trivet::csi

int main(int argc, char** argv) {
  trivet::csi::Options options{.node_id = trivet::csi::HostName()};
  CLI::App app("CSI driver for volumes on this node's own disks");
  app.set_version_flag("--version", "trivet-csi " TRIVET_VERSION);
  app.add_option("--socket", options.socket, "unix socket to serve")->capture_default_str();
  app.add_option("--state-dir", options.state, "records and the default pool")
      ->capture_default_str();
  auto* config = app.add_option("--config", options.config, "pools; may be absent");
  config->capture_default_str();
  app.add_option("--node-id", options.node_id, "this node's name")->capture_default_str();
  app.add_option("--mode", options.mode, "which services to serve")
      ->check(CLI::IsMember({"all", "controller", "node"}))
      ->capture_default_str();
  app.add_option("--spec-level", options.spec_level,
                 "newest CSI version whose capabilities to report")
      ->check(CLI::IsMember({"1.11", "1.12", "1.13"}))
      ->capture_default_str();
  app.add_flag("--attach", options.attach,
               "claim ControllerPublishVolume (a CO that is not Kubernetes may want it)");
  app.add_option("--max-volumes-per-node", options.max_volumes,
                 "volumes the CO may bring to this node at a time; 0 = any number")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 31U))
      ->capture_default_str();
  app.add_option("--io-cgroup", options.io_groups,
                 "control group that holds the volumes' users: limits of speed hold in it")
      ->capture_default_str();
  app.add_option("--metrics-file", options.metrics,
                 "where to write metrics for node_exporter's textfile collector (*.prom)");
  trivet::csi::AddForwardFlags(app, options);
  app.add_flag("--check-config", options.check_config,
               "check the configuration, say what its pools have, and exit");
  CLI11_PARSE(app, argc, argv);

  spdlog::set_default_logger(spdlog::stderr_logger_mt("trivet-csi"));
  if (auto result = trivet::csi::Run(options, config->count() > 0); !result) {
    spdlog::critical("{}", result.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
