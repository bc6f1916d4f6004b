// The start of a sandbox: Sandboxes' functions from the record to READY.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/stopwatch.h"
#include "common/linux/netns.h"
#include "common/linux/worker_threads.h"
#include "cri-runtime/container/attach_ahead.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/sandbox/pod_files.h"
#include "cri-runtime/sandbox/pod_network.h"
#include "cri-runtime/sandbox/sandboxes.h"

namespace trivet::sandbox {
namespace {

// Whether the pod's network can be made beside the shim: it belongs to no user namespace of the
// shim's, and no sysctl is to be set in it before the plugins come.
bool HasNetworkBesideShim(const Record& record) {
  return !record.cni_config.empty() && !record.config.namespaces.user &&
         std::ranges::none_of(record.config.sysctls,
                              [](const auto& sysctl) { return sysctl.first.starts_with("net"); });
}

}  // namespace

void Sandboxes::BeginAttachWait() const {
  container::BeginAttachWait(node_.cgroups, node_.config->cgroup_root);
}

Sandboxes::Beside::~Beside() {
  Tell(Fail(Code::kAborted, "the sandbox is not recorded"));
  if (durable.valid()) durable.wait();
  if (made.valid()) made.wait();
  if (network.valid()) network.wait();
}

void Sandboxes::Beside::Tell(Result<> added) {
  if (!std::exchange(told, true)) recorded.set_value(std::move(added));
}

// Nothing that is begun before the record is written does anything before that.
Result<> Sandboxes::RecordAndBuild(const Record& record, state::Progress& progress) {
  Beside beside;
  BeginNetwork(record, beside);
  const Result<> added = node_.store.Add(record);
  beside.Tell(added);
  RETURN_IF_ERROR(added);
  return Build(record, beside, progress);
}

Result<> Sandboxes::Build(const Record& record, Beside& beside, state::Progress& progress) {
  Stopwatch watch;
  progress.Enter("shim");
  beside.durable = MakeDurableAside(record);
  RETURN_IF_ERROR(node_.cgroups.Create(HasReaper(record) ? ReaperGroup(record) : record.cgroup),
                  "cgroup");
  BeginAttachWait();
  // Not before: the first plugin, for which the pod waits longest, is loaded meanwhile.
  if (beside.made.valid()) RETURN_IF_ERROR(Result<>(beside.made.get()), "network");
  RETURN_IF_ERROR(StartShim(record, beside.made.valid()), "shim");
  const double shim_ms = watch.Lap();
  ASSIGN_OR_RETURN(PodFolder folder, PodFolder::Make(record), "pod files");
  progress.Enter("network");
  ASSIGN_OR_RETURN(Connected network,
                   beside.network.valid() ? beside.network.get() : ConnectNetwork(record),
                   "network");
  spdlog::info("sandbox is up pod={}/{} sandbox={} shim_ms={:.1f} network_ms={:.1f}",
               record.config.metadata.namespace_name, record.config.metadata.name, record.id,
               shim_ms, watch.Lap());
  progress.Enter("sync");
  const Result<> complete = Complete(record, std::move(folder), network.ips, beside.durable);
  // In any case: DEL is given ADD's result.
  RETURN_IF_ERROR(node_.store.UpdateSandbox(record.id, [&](State& state) {
    if (complete) state.phase = Phase::kReady;
    state.cni_result = std::move(network.result);
    state.ips = std::move(network.ips);
  }));
  return complete;
}

Result<> Sandboxes::Complete(const Record& record, PodFolder folder,
                             const std::vector<std::string>& ips, std::future<Result<>>& durable) {
  RETURN_IF_ERROR(std::move(folder).Attach(node_.paths.PodFolder(record.id), record, ips),
                  "pod files");
  RETURN_IF_ERROR(durable.get());
  RETURN_IF_ERROR(node_.shims.Find(record.id));  // it may have died meanwhile
  return {};
}

// What a plugin leaves may outlive a power cut. Before anybody has the sandbox's id its record
// does, too, unless GC frees what no record names (docs/adr/2026-11-29-record-sync.md).
std::future<Result<>> Sandboxes::MakeDurableAside(const Record& record) const {
  return BeginAside([&node = node_, id = record.id, list = record.cni_config]() -> Result<> {
    if (list.empty()) return {};
    const auto network = network::ParseNetworkConfig(list);
    if (network && node.network.FreesTheUnknown(*network)) return {};
    return node.store.MakeDurable(id);
  });
}

// The namespace is made and the first plugin is loaded while the record is written. Then the one is
// pinned, and the other works while the shim starts.
void Sandboxes::BeginNetwork(const Record& record, Beside& beside) {
  if (!HasNetworkBesideShim(record)) return;
  beside.made = MakeNetworkNamespace(node_.paths.NetworkNamespace(record.id),
                                     [recorded = beside.recorded.get_future().share()] {
                                       return Result<>(recorded.get());
                                     })
                    .share();
  beside.network = BeginAside([this, &record, made = beside.made] {
    return ConnectNetwork(record, [&made] { return Result<>(made.get()); });
  });
}

Result<> Sandboxes::StartShim(const Record& record, bool netns_is_made) {
  const Config& config = record.config;
  const bool own_network = config.namespaces.network != NamespaceMode::kNode;
  shim::SandboxSpec spec{.id = record.id,
                         .hostname = own_network ? HostnameOf(config) : "",
                         .network = config.namespaces.network,
                         .ipc = config.namespaces.ipc,
                         .pid = config.namespaces.pid,
                         .netns_is_made = netns_is_made};
  if (const auto& user = config.namespaces.user) {
    spec.uids = {user->uids.host_id, user->uids.length};
    spec.gids = {user->gids.host_id, user->gids.length};
  }
  if (own_network) {
    spec.netns_path = node_.paths.NetworkNamespace(record.id).native();
  }
  for (const auto& [name, value] : config.sysctls) spec.sysctls.push_back(name + "=" + value);
  if (HasReaper(record)) {
    for (const auto& file : node_.cgroups.ProcsFiles(ReaperGroup(record))) {
      spec.cgroup_procs.push_back(file.native());
    }
  }
  ASSIGN_OR_RETURN(const std::filesystem::path program,
                   cri::ShimOfHandler(*node_.config.Get(), config.runtime_handler));
  ASSIGN_OR_RETURN(const LaunchedShim shim,
                   node_.launcher.Launch(program, node_.paths.Shim(record.id), spec));
  // Before anything is asked of it: a daemon that comes after us must know whom to end.
  RETURN_IF_ERROR(node_.store.UpdateSandbox(record.id, [&](State& state) {
    state.shim_pid = shim.pid;
    state.shim_start_time = shim.start_time;
  }));
  ASSIGN_OR_RETURN(const auto connection,
                   node_.shims.Connect(record.id, node_.paths.Shim(record.id) / "sock"));
  RETURN_IF_ERROR(connection->Hello());
  return {};
}

Result<Sandboxes::Connected> Sandboxes::ConnectNetwork(
    const Record& record, const std::function<Result<>()>& may_begin) const {
  if (record.cni_config.empty()) return Connected();
  const std::filesystem::path netns = node_.paths.NetworkNamespace(record.id);
  ASSIGN_OR_RETURN(const json::Value result,
                   AttachNetwork(node_.network, record, netns, may_begin));
  ASSIGN_OR_RETURN(std::vector<std::string> ips, network::AddressesOf(result));
  return Connected{.result = json::Write(result), .ips = std::move(ips)};
}

}  // namespace trivet::sandbox
