// The start of a sandbox: Sandboxes' functions from the record to READY.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/stopwatch.h"
#include "common/linux/netns.h"
#include "common/linux/netns_pin.h"
#include "common/linux/worker_threads.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/sandbox/pod_files.h"
#include "cri-runtime/sandbox/pod_network.h"
#include "cri-runtime/sandbox/sandboxes.h"

namespace trivet::sandbox {
namespace {

// Whether the pod's network can be made beside the shim: it belongs to no user namespace of the
// shim's, and no sysctl is to be set in it before the plugins come.
bool HasNetworkBesideShim(const Config& config) {
  return config.namespaces.network != NamespaceMode::kNode && !config.namespaces.user &&
         std::ranges::none_of(config.sysctls,
                              [](const auto& sysctl) { return sysctl.first.starts_with("net"); });
}

std::future<Result<>> Nothing() {
  std::promise<Result<>> nothing;
  nothing.set_value({});
  return nothing.get_future();
}

}  // namespace

void Sandboxes::Beside::Tell(Result<const Record*> record) {
  if (!std::exchange(told, true)) recorded.set_value(std::move(record));
}

void Sandboxes::Beside::End() {
  Tell(Fail(Code::kAborted, "the sandbox is not recorded"));
  if (durable.valid()) durable.wait();
  if (!pod.valid()) return;
  const Result<Pod> unused = pod.get();  // nobody asked for it
  if (!unused) spdlog::info("beside a start that failed error=\"{}\"", unused.error().message());
}

// The namespace is made while the start is planned and recorded, and the plugin is loaded. Then the
// plugin works here, and the shim is started there.
void Sandboxes::BeginPod(const Config& config, Beside& beside) {
  if (!HasNetworkBesideShim(config)) return;
  beside.spare = node_.spares.Take();
  if (beside.spare != nullptr) return;
  std::promise<Result<>> made;
  beside.netns = made.get_future().share();
  beside.pod = BeginAside([this, recorded = beside.recorded.get_future().share(),
                           made = std::move(made)]() mutable -> Result<Pod> {
    const auto place = [&]() -> Result<std::filesystem::path> {
      ASSIGN_OR_RETURN(const Record* record, Result<const Record*>(recorded.get()));
      return node_.paths.NetworkNamespace(record->id);
    };
    const auto make = [&]() -> Result<> {
      ASSIGN_OR_RETURN(const UniqueFd netns, MakeNetworkNamespace());
      ASSIGN_OR_RETURN(const std::filesystem::path path, place());
      return PinNetworkNamespace(netns, path);
    };
    const Result<> netns = make();
    made.set_value(netns);
    RETURN_IF_ERROR(netns, "network");
    return BuildPod(**recorded.get(), true, std::nullopt);
  });
}

// Where there is a namespace and a shim that waits, this thread does both: the plugin is another
// process.
Result<Sandboxes::Connected> Sandboxes::ConnectSpare(const Planned& planned, Spare& spare,
                                                     Result<Pod>& pod, state::Progress& progress) {
  const Record& record = planned.record;
  RETURN_IF_ERROR(PinNetworkNamespace(spare.netns, node_.paths.NetworkNamespace(record.id)));
  const auto build = [&] {
    progress.Enter("shim");
    pod = BuildPodGuarded(record, std::move(spare.shim));
    progress.Enter("network");
  };
  return ConnectNetwork(planned, {.may_begin = {}, .meanwhile = build});
}

Result<Sandboxes::Pod> Sandboxes::BuildPodGuarded(const Record& record, LoadedShim shim) {
  try {
    return BuildPod(record, true, std::move(shim));
  } catch (const std::exception& e) {
    return Fail(Code::kInternal, "exception: {}", e.what());
  }
}

// Nothing that is begun before the record is written does anything before that.
Result<> Sandboxes::RecordAndBuild(const Planned& planned, Beside& beside,
                                   state::Progress& progress) {
  RETURN_IF_ERROR(node_.store.Add(planned.record));
  beside.Tell(&planned.record);
  beside.durable = MakeDurableAside(planned);
  return Build(planned, beside, progress);
}

Result<> Sandboxes::Build(const Planned& planned, Beside& beside, state::Progress& progress) {
  const Record& record = planned.record;
  const bool alone = !beside.pod.valid() && beside.spare == nullptr;
  progress.Enter("shim");
  Result<Pod> pod = alone ? BuildPod(record, false, std::nullopt) : Pod();
  if (!pod) return std::unexpected(std::move(pod).error());
  progress.Enter("network");
  Stopwatch watch;
  ASSIGN_OR_RETURN(Connected network,
                   beside.spare != nullptr ? ConnectSpare(planned, *beside.spare, pod, progress)
                                           : ConnectBeside(planned, beside.netns),
                   "network");
  const double network_ms = watch.Lap();
  progress.Enter("shim");
  if (beside.pod.valid()) pod = beside.pod.get();
  progress.Enter("sync");
  const Result<> complete = Complete(record, pod, network.ips, beside.durable);
  // In any case: DEL is given ADD's result.
  RETURN_IF_ERROR(node_.store.UpdateSandbox(record.id, [&](State& state) {
    if (complete) state.phase = Phase::kReady;
    state.cni_result = std::move(network.result);
    state.ips = std::move(network.ips);
  }));
  RETURN_IF_ERROR(complete);
  spdlog::info("sandbox is up pod={}/{} sandbox={} shim_ms={:.1f} network_ms={:.1f}",
               record.config.metadata.namespace_name, record.config.metadata.name, record.id,
               pod->shim_ms, network_ms);
  return {};
}

// The kubelet makes its pods' groups itself, and one that is not there comes with the first
// container's.
Result<> Sandboxes::MakeGroup(const Record& record) const {
  if (HasReaper(record)) return node_.cgroups.Create(ReaperGroup(record));
  return OwnsPodGroup(record) ? node_.cgroups.Create(record.cgroup) : Result<>();
}

// All of it but the network.
Result<Sandboxes::Pod> Sandboxes::BuildPod(const Record& record, bool netns_is_made,
                                           std::optional<LoadedShim> shim) {
  Stopwatch watch;
  RETURN_IF_ERROR(MakeGroup(record), "cgroup");
  RETURN_IF_ERROR(StartShim(record, netns_is_made, std::move(shim)), "shim");
  const double shim_ms = watch.Lap();
  ASSIGN_OR_RETURN(PodFolder folder, PodFolder::Make(record), "pod files");
  return Pod{.folder = std::move(folder), .shim_ms = shim_ms};
}

Result<> Sandboxes::Complete(const Record& record, Result<Pod>& pod,
                             const std::vector<std::string>& ips, std::future<Result<>>& durable) {
  if (!pod) return std::unexpected(std::move(pod).error());
  RETURN_IF_ERROR(std::move(*pod->folder).Attach(node_.paths.PodFolder(record.id), record, ips),
                  "pod files");
  RETURN_IF_ERROR(durable.get());
  RETURN_IF_ERROR(node_.shims.Find(record.id));  // it may have died meanwhile
  return {};
}

// What a plugin leaves may outlive a power cut. Before anybody has the sandbox's id its record
// does, too, unless GC frees what no record names (docs/adr/2026-11-29-record-sync.md).
std::future<Result<>> Sandboxes::MakeDurableAside(const Planned& planned) const {
  if (!planned.network || node_.network.FreesTheUnknown(*planned.network)) return Nothing();
  return BeginAside([&node = node_, id = planned.record.id] { return node.store.MakeDurable(id); });
}

Result<> Sandboxes::StartShim(const Record& record, bool netns_is_made,
                              std::optional<LoadedShim> loaded) {
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
    for (const auto& file : node_.cgroups.EntryFiles(ReaperGroup(record))) {
      spec.cgroup_procs.push_back(file.native());
    }
  }
  ASSIGN_OR_RETURN(const std::filesystem::path program,
                   cri::ShimOfHandler(*node_.config.Get(), config.runtime_handler));
  ASSIGN_OR_RETURN(
      const LaunchedShim shim,
      node_.launcher.Launch(program, node_.paths.Shim(record.id), spec, std::move(loaded)));
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

// The first plugin is loaded at once; it does nothing before the namespace is made.
Result<Sandboxes::Connected> Sandboxes::ConnectBeside(const Planned& planned,
                                                      const std::shared_future<Result<>>& netns) {
  const auto may_begin = [&] { return netns.valid() ? Result<>(netns.get()) : Result<>(); };
  auto connected = ConnectNetwork(planned, {.may_begin = may_begin, .meanwhile = {}});
  RETURN_IF_ERROR(may_begin());  // what no plugin is to blame for
  return connected;
}

Result<Sandboxes::Connected> Sandboxes::ConnectNetwork(const Planned& planned,
                                                       network::Beside beside) {
  if (!planned.network) return Connected();
  const network::Attachment attachment =
      AttachmentOf(planned.record, node_.paths.NetworkNamespace(planned.record.id));
  ASSIGN_OR_RETURN(const auto result, node_.network.Add(*planned.network, attachment,
                                                        planned.cni_args, std::move(beside)));
  ASSIGN_OR_RETURN(std::vector<std::string> ips, network::AddressesOf(result));
  return Connected{.result = json::Write(result), .ips = std::move(ips)};
}

}  // namespace trivet::sandbox
