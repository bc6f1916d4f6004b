#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "common/linux/file.h"
#include "common/linux/file_lock.h"
#include "common/linux/service_manager.h"
#include "netpolicy/agent.h"
#include "netpolicy/config.h"
#include "netpolicy/explain/query.h"
#include "netpolicy/nft/table.h"
#include "netpolicy/service/daemon.h"
#include "netpolicy/watch/folder.h"

namespace trivet::netpolicy {
namespace {

struct Options {
  std::filesystem::path config = kDefaultConfig;
  std::vector<std::filesystem::path> manifests;
  std::vector<std::string> node_ranges;
  std::filesystem::path socket;
  std::filesystem::path state_directory;
  std::vector<std::string> explain;
  bool config_given = false;
  bool check_config = false;
  bool flush = false;
};

// The file, then the flags over it.
Result<Config> Configure(const Options& options) {
  Config config;
  if (options.config_given || std::filesystem::exists(options.config)) {
    ASSIGN_OR_RETURN(config, LoadConfig(options.config), "configuration");
  }
  if (!options.manifests.empty()) config.manifests = options.manifests;
  if (!options.socket.empty()) config.socket = options.socket;
  if (!options.state_directory.empty()) config.state_directory = options.state_directory;
  if (!options.node_ranges.empty()) {
    ASSIGN_OR_RETURN(config.node_ranges, ParseRanges(options.node_ranges), "--node-range");
  }
  return config;
}

Result<> CheckConfig(const Config& config) {
  ASSIGN_OR_RETURN(const auto source, FolderSource::Open(config.manifests));
  RETURN_IF_ERROR(source->Refresh());
  const auto complaints = source->complaints();
  for (const std::string& complaint : complaints) fmt::print(stderr, "{}\n", complaint);
  if (!complaints.empty()) {
    return Fail(Code::kInvalidArgument, "{} manifest(s) cannot be in force", complaints.size());
  }
  fmt::print("configuration is valid: {} network policies, {} pods\n",
             source->cluster().policies.size(), source->cluster().pods.size());
  return {};
}

Result<> Explain(const Config& config, const Query& query) {
  ASSIGN_OR_RETURN(const auto source, FolderSource::Open(config.manifests));
  RETURN_IF_ERROR(source->Refresh());
  for (const std::string& line : source->complaints()) spdlog::warn("not in force: {}", line);
  ASSIGN_OR_RETURN(const Attachments attachments, Attachments::Read(config.state_directory));
  const World world{source->cluster(), attachments.Addresses(), config.node_ranges};
  const AddressBook addresses(world);
  ASSIGN_OR_RETURN(const auto connections, ParseQuery(addresses, query), "--explain");
  for (const Connection& one : connections) {
    fmt::print("{}", Describe(one, Judge(world, addresses, one)));
  }
  return {};
}

Result<FileLock> LockState(const Config& config) {
  RETURN_IF_ERROR(EnsureDirectory(config.state_directory), "state folder");
  return FileLock::TryAcquire(config.state_directory / kLockName);
}

Result<> Flush(const Config& config) {
  ASSIGN_OR_RETURN(const FileLock lock, LockState(config), "another agent uses this state folder");
  ASSIGN_OR_RETURN(NftTable table, NftTable::Open());
  RETURN_IF_ERROR(table.Remove());
  return Attachments::RemoveAll(config.state_directory);
}

Result<UniqueFd> BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return FailErrno("create signalfd");
  return fd;
}

Result<> Serve(const Config& config) {
  ASSIGN_OR_RETURN(const UniqueFd stop, BlockStopSignals());
  ASSIGN_OR_RETURN(const FileLock lock, LockState(config), "another agent uses this state folder");
  ASSIGN_OR_RETURN(Attachments attachments, Attachments::Open(config.state_directory),
                   "attachments");
  ASSIGN_OR_RETURN(const auto source, FolderSource::Open(config.manifests));
  ASSIGN_OR_RETURN(NftTable table, NftTable::Open());
  Agent agent(*source, table, attachments, config.node_ranges);
  RETURN_IF_ERROR(agent.Start(), "start");
  ASSIGN_OR_RETURN(PolicyServer server,
                   PolicyServer::Listen(config.socket, [&](const policy::Request& request) {
                     return agent.Handle(request);
                   }));
  RETURN_IF_ERROR(NotifyServiceManager("READY=1"));
  spdlog::info("serving socket={} policies={} attachments={}", config.socket.native(),
               source->cluster().policies.size(), attachments.Addresses().size());

  ASSIGN_OR_RETURN(const int signal, RunUntilSignal({stop.get(), *source, table, server}, agent));
  spdlog::info("stopping signal={}", signal);
  return {};
}

Result<> Run(const Options& options) {
  ASSIGN_OR_RETURN(const Config config, Configure(options));
  if (options.check_config) return CheckConfig(config);
  if (!options.explain.empty()) {
    return Explain(config, {options.explain[0], options.explain[1], options.explain[2]});
  }
  return options.flush ? Flush(config) : Serve(config);
}

}  // namespace
}  // namespace trivet::netpolicy

int main(int argc, char** argv) {
  trivet::netpolicy::Options options;
  CLI::App app("Network policy agent: Kubernetes NetworkPolicy by nftables");
  app.set_version_flag("--version", "trivet-netpolicy " TRIVET_VERSION);
  auto* config = app.add_option("--config", options.config, "may be absent; flags override it");
  config->capture_default_str();
  app.add_option(
      "--manifests", options.manifests,
      fmt::format("folder of Pod, Namespace and NetworkPolicy manifests; repeatable [{}]",
                  trivet::netpolicy::kDefaultManifests));
  app.add_option("--socket", options.socket,
                 fmt::format("unix socket to serve [{}]", trivet::netpolicy::kDefaultSocket));
  app.add_option(
      "--state-dir", options.state_directory,
      fmt::format("records of attachments [{}]", trivet::netpolicy::kDefaultStateDirectory));
  app.add_option("--node-range", options.node_ranges,
                 "CIDR of this node's pods: an unknown address in it is denied; repeatable");
  app.add_flag("--check-config", options.check_config,
               "check the configuration and the manifests, and exit");
  app.add_flag("--flush", options.flush, "remove the rules and the records, and exit");
  app.add_option("--explain", options.explain,
                 "say whether FROM may connect to TO at PORT and why, and exit: namespace/pod or "
                 "an address, twice, and 80 or 53/UDP")
      ->expected(3)
      ->type_name("FROM TO PORT");
  CLI11_PARSE(app, argc, argv);

  options.config_given = config->count() > 0;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("trivet-netpolicy"));
  if (auto result = trivet::netpolicy::Run(options); !result) {
    spdlog::critical("{}", result.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
