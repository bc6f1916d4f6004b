#include "cri-runtime/sandbox/sandboxes.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/base/stopwatch.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/netns.h"
#include "common/linux/user_namespace.h"
#include "common/linux/worker_threads.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/cni/config_directory.h"
#include "cri-runtime/container/attach_ahead.h"
#include "cri-runtime/container/ending.h"
#include "cri-runtime/container/limits.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/sandbox/pod_files.h"
#include "cri-runtime/sandbox/pod_network.h"
#include "cri-runtime/selinux/choice.h"
#include "cri-runtime/state/id.h"

namespace trivet::sandbox {
namespace {

constexpr auto kShimEnd = std::chrono::seconds(10);
constexpr auto kKillPatience = std::chrono::seconds(10);

std::string KeyOf(const Metadata& m) {
  return fmt::format("{}/{}/{}/{}", m.namespace_name, m.name, m.uid, m.attempt);
}

std::shared_ptr<const state::Sandbox> FindByMetadata(const state::Snapshot& snapshot,
                                                     const Metadata& metadata) {
  const std::string key = KeyOf(metadata);
  for (const auto& [id, sandbox] : snapshot.sandboxes) {
    if (KeyOf(sandbox->record->config.metadata) == key) return sandbox;
  }
  return nullptr;
}

// Whether the pod's network can be made beside the shim: it belongs to no user namespace of the
// shim's, and no sysctl is to be set in it before the plugins come.
bool HasNetworkBesideShim(const Record& record) {
  return !record.cni_config.empty() && !record.config.namespaces.user &&
         std::ranges::none_of(record.config.sysctls,
                              [](const auto& sysctl) { return sysctl.first.starts_with("net"); });
}

// Whether no group is to be made, as a rule: the kubelet made the pod's. One that is made while an
// attach waits, waits as well.
bool HasGroupsBefore(const Record& record) {
  return !OwnsPodGroup(record) && !HasReaper(record);
}

}  // namespace

Result<std::string> Sandboxes::Run(const Config& config,
                                   state::SingleFlight<std::string>::Deadline deadline) {
  return running_.DoUntil(
      KeyOf(config.metadata), deadline,
      [this, config](state::Progress& progress) { return Make(config, progress); });
}

Result<std::string> Sandboxes::Make(const Config& config, state::Progress& progress) {
  if (const auto seen = FindByMetadata(*node_.store.Get(), config.metadata)) {
    if (seen->state.phase == Phase::kReady) return seen->record->id;
    // The recovery may be undoing it just now: it holds the lock until nothing is left.
    progress.Enter("wait for the end of an earlier one");
    const auto ending = node_.sandbox_locks.Lock(seen->record->id);
  }
  if (const auto found = FindByMetadata(*node_.store.Get(), config.metadata)) {
    const std::string& id = found->record->id;
    if (found->state.phase == Phase::kReady) return id;
    if (found->state.phase != Phase::kCreating) {
      return Fail(Code::kAlreadyExists, "sandbox {} has the same metadata and is not ready", id);
    }
    // Nobody makes it any more: a daemon before us was killed meanwhile.
    RETURN_IF_ERROR(Undo(id), "undo what a crash left");
  }
  ASSIGN_OR_RETURN(Record record, Plan(config));
  if (HasGroupsBefore(record)) BeginAttachWait();
  // Held until it is in a record.
  ASSIGN_OR_RETURN(const selinux::Levels::Hold level, ChooseLabels(record), "selinux_options");
  const auto lock = node_.sandbox_locks.Lock(record.id);
  auto built = RecordAndBuild(record, progress);
  if (built) return record.id;
  progress.Enter("undo");
  if (auto undone = RemoveLocked(record); !undone) {
    // It stays as a sandbox that is not ready, so that the kubelet stops it again.
    static_cast<void>(
        node_.store.UpdateSandbox(record.id, [](State& state) { state.phase = Phase::kNotReady; }));
    spdlog::error("undo of a sandbox is owed sandbox={} error=\"{}\"", record.id,
                  undone.error().message());
  }
  return std::unexpected(std::move(built).error());
}

Result<Record> Sandboxes::Plan(const Config& config) const {
  RETURN_IF_ERROR(cri::ShimOfHandler(*node_.config.Get(), config.runtime_handler));
  if (config.namespaces.user && !CanUseUserNamespaces()) {
    return Fail(Code::kFailedPrecondition,
                "userns_options: user namespaces need Linux 5.19 and user.max_user_namespaces > 0");
  }
  Record record{.config = config, .created_at_ns = cri::NowNs(), .boot_id = node_.boot_id};
  ASSIGN_OR_RETURN(record.id, state::NewId());
  ASSIGN_OR_RETURN(record.cgroup,
                   PodGroup(config, record.id, cri::PodsParent(*node_.config.Get())));
  if (config.namespaces.network == NamespaceMode::kNode) return record;
  ASSIGN_OR_RETURN(const network::NetworkConfig network,
                   network::LoadNetworkConfig(node_.config->cni_config_dir), "network");
  record.cni_config = network.text;
  ASSIGN_OR_RETURN(const json::Value args,
                   CapabilityArgsOf(record, node_.pod_cidrs.CapabilityArgs()));
  record.cni_args = json::Write(args);
  return record;
}

// The pod's own files are its containers', and have their level.
Result<selinux::Levels::Hold> Sandboxes::ChooseLabels(Record& record) const {
  selinux::Levels::Hold hold;
  const selinux::Label& options = record.config.selinux;
  if (!node_.selinux.enabled()) return hold;
  if (options.level.empty() && node_.selinux.has_levels()) {
    ASSIGN_OR_RETURN(hold, node_.selinux_levels.Take([&](const std::string& level) {
      const auto snapshot = node_.store.Get();
      return std::ranges::any_of(snapshot->sandboxes, [&](const auto& named) {
        return named.second->record->selinux_level == level;
      });
    }));
  }
  record.selinux_level = options.level.empty() ? hold.level() : options.level;
  ASSIGN_OR_RETURN(
      const selinux::Labels labels,
      selinux::ChooseLabels(node_.selinux, {.options = options, .level = record.selinux_level}));
  record.selinux_file_label = labels.file;
  return hold;
}

void Sandboxes::BeginAttachWait() const {
  container::BeginAttachWait(node_.cgroups, node_.config->cgroup_root);
}

// Nothing that is begun before the record is written does anything before that.
Result<> Sandboxes::RecordAndBuild(const Record& record, state::Progress& progress) {
  std::promise<Result<>> recorded;
  EarlyNetwork early = BeginNetwork(record, recorded.get_future().share());
  const Result<> added = node_.store.Add(record);
  recorded.set_value(added);
  RETURN_IF_ERROR(added);
  return Build(record, std::move(early), progress);
}

Result<> Sandboxes::Build(const Record& record, EarlyNetwork early, state::Progress& progress) {
  Stopwatch watch;
  progress.Enter("shim");
  auto durable = MakeDurableAside(record);
  RETURN_IF_ERROR(node_.cgroups.Create(HasReaper(record) ? ReaperGroup(record) : record.cgroup),
                  "cgroup");
  BeginAttachWait();
  // Not before: the first plugin, for which the pod waits longest, is loaded meanwhile.
  if (early.made.valid()) RETURN_IF_ERROR(Result<>(early.made.get()), "network");
  RETURN_IF_ERROR(StartShim(record, early.made.valid()), "shim");
  const double shim_ms = watch.Lap();
  ASSIGN_OR_RETURN(PodFolder folder, PodFolder::Make(record), "pod files");
  progress.Enter("network");
  ASSIGN_OR_RETURN(Connected network,
                   early.network.valid() ? early.network.get() : ConnectNetwork(record), "network");
  spdlog::info("sandbox is up pod={}/{} sandbox={} shim_ms={:.1f} network_ms={:.1f}",
               record.config.metadata.namespace_name, record.config.metadata.name, record.id,
               shim_ms, watch.Lap());
  progress.Enter("sync");
  const Result<> complete = Complete(record, std::move(folder), network.ips, durable);
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
// does, too; the sync is not waited for earlier (docs/adr/2026-11-29-record-sync.md).
std::future<Result<>> Sandboxes::MakeDurableAside(const Record& record) const {
  return BeginAside([&store = node_.store, id = record.id, owed = !record.cni_config.empty()] {
    return owed ? store.MakeDurable(id) : Result<>();
  });
}

// The namespace is made and the first plugin is loaded while the record is written. Then the one is
// pinned, and the other works while the shim starts.
Sandboxes::EarlyNetwork Sandboxes::BeginNetwork(const Record& record,
                                                const std::shared_future<Result<>>& recorded) {
  EarlyNetwork early;
  if (!HasNetworkBesideShim(record)) return early;
  early.made = MakeNetworkNamespace(node_.paths.NetworkNamespace(record.id), [recorded] {
                 return Result<>(recorded.get());
               }).share();
  early.network = BeginAside([this, &record, made = early.made] {
    return ConnectNetwork(record, [&made] { return Result<>(made.get()); });
  });
  return early;
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

Result<> Sandboxes::Stop(const std::string& id) {
  const auto named = node_.store.Get()->FindSandbox(id);
  if (named == nullptr) return {};
  const Record& record = *named->record;
  container::EndHeldStarts(node_, record.id);
  const auto lock = node_.sandbox_locks.Lock(record.id);
  if (!node_.store.Get()->sandboxes.contains(record.id)) return {};
  return StopLocked(record);
}

// Each step does nothing for a sandbox that is past it: of a stopped one nothing is written.
Result<> Sandboxes::StopLocked(const Record& record) {
  const auto sandbox = node_.store.Get()->FindSandbox(record.id);
  if (sandbox == nullptr || sandbox->state.phase != Phase::kNotReady) {
    RETURN_IF_ERROR(
        node_.store.UpdateSandbox(record.id, [](State& state) { state.phase = Phase::kNotReady; }));
  }
  RETURN_IF_ERROR(EndProcesses(record));
  return FreeNetwork(record);
}

Result<> Sandboxes::EndProcesses(const Record& record) {
  RETURN_IF_ERROR(EndShim(record), "shim");
  // A shim that was killed could not end what it had started.
  for (const auto& container : node_.store.Get()->ContainersOf(record.id)) {
    RETURN_IF_ERROR(node_.cgroups.Kill(container->record->cgroup, kKillPatience), "kill");
    if (container->state.phase == container::Phase::kRunning) {
      RETURN_IF_ERROR(container::CollectExit(node_, *container->record));
    }
  }
  RETURN_IF_ERROR(node_.cgroups.Kill(ReaperGroup(record), kKillPatience), "kill");
  return node_.cgroups.Remove(ReaperGroup(record));
}

// False when nobody took the message. After a restart the shim may not be connected yet.
bool Sandboxes::TellShutdown(const std::string& id) {
  auto shim = node_.shims.Find(id);
  if (!shim) shim = node_.shims.Connect(id, node_.paths.Shim(id) / "sock");
  if (!shim) return false;
  const auto told = (*shim)->Call<shim::Empty>(shim::Verb::kShutdown, shim::Empty{});
  node_.shims.Drop(id);
  return told.has_value();
}

Result<> Sandboxes::EndShim(const Record& record) {
  // Whatever it answers: it is awaited, and at last killed.
  const bool told = TellShutdown(record.id);
  const auto snapshot = node_.store.Get();
  const auto found = snapshot->sandboxes.find(record.id);
  if (found == snapshot->sandboxes.end() || found->second->state.shim_pid == 0) return {};
  const State& state = found->second->state;
  return node_.launcher.AwaitEnd(state.shim_pid, state.shim_start_time,
                                 told ? kShimEnd : std::chrono::seconds::zero());
}

// That the shim has ended is written with that DEL is no longer owed: until then both are repeated.
Result<> Sandboxes::FreeNetwork(const Record& record) {
  const auto snapshot = node_.store.Get();
  const auto found = snapshot->sandboxes.find(record.id);
  const State state = found == snapshot->sandboxes.end() ? State{} : found->second->state;
  const std::filesystem::path netns = node_.paths.NetworkNamespace(record.id);
  if (state.network_attached) {
    RETURN_IF_ERROR(DetachNetwork(node_.network, record, netns, state.cni_result), "network");
  }
  if (state.network_attached || state.shim_pid != 0) {
    RETURN_IF_ERROR(node_.store.UpdateSandbox(record.id, [](State& s) {
      s.network_attached = false;
      s.cni_result.clear();
      s.shim_pid = 0;
    }));
  }
  RETURN_IF_ERROR(Unmount(netns, true));
  RETURN_IF_ERROR(RemoveFile(netns));
  RETURN_IF_ERROR(Unmount(node_.paths.PodFolder(record.id), true));
  RETURN_IF_ERROR(Unmount(node_.paths.EarlierShm(record.id), true));
  return RemoveTree(node_.paths.Shim(record.id));
}

Result<> Sandboxes::Remove(const std::string& id) {
  const auto named = node_.store.Get()->FindSandbox(id);
  if (named == nullptr) return {};
  const Record& record = *named->record;
  container::EndHeldStarts(node_, record.id);
  const auto lock = node_.sandbox_locks.Lock(record.id);
  if (!node_.store.Get()->sandboxes.contains(record.id)) return {};
  return RemoveLocked(record);
}

Result<> Sandboxes::Undo(const std::string& id) {
  const auto lock = node_.sandbox_locks.Lock(id);
  const auto snapshot = node_.store.Get();
  const auto found = snapshot->sandboxes.find(id);
  if (found == snapshot->sandboxes.end()) return {};
  return RemoveLocked(*found->second->record);
}

Result<> Sandboxes::RemoveLocked(const Record& record) {
  RETURN_IF_ERROR(StopLocked(record));
  for (const auto& container : node_.store.Get()->ContainersOf(record.id)) {
    RETURN_IF_ERROR(container::Discard(node_, container->record->id, container->record->cgroup));
  }
  if (OwnsPodGroup(record)) RETURN_IF_ERROR(node_.cgroups.Remove(record.cgroup));
  RETURN_IF_ERROR(RemoveTree(node_.paths.Pod(record.id)));
  return node_.store.RemoveSandbox(record.id);
}

Result<> Sandboxes::UpdateResources(const std::string& id, const container::Resources& resources) {
  const auto sandbox = node_.store.Get()->FindSandbox(id);
  if (sandbox == nullptr) return Fail(Code::kNotFound, "sandbox {} does not exist", id);
  const Record& record = *sandbox->record;
  const auto lock = node_.sandbox_locks.LockShared(record.id);
  if (sandbox->state.phase != Phase::kReady) {
    return Fail(Code::kFailedPrecondition, "sandbox {} is not ready", id);
  }
  ASSIGN_OR_RETURN(const CgroupLimits limits, container::LimitsOf(resources, 0));
  if (!OwnsPodGroup(record)) return {};
  return node_.cgroups.SetLimits(record.cgroup, limits);
}

void Sandboxes::MarkUnheard(const std::string& id) {
  static_cast<void>(
      node_.store.UpdateSandbox(id, [](State& state) { state.phase = Phase::kNotReady; }));
}

void Sandboxes::MarkDead(const std::string& id) {
  const auto snapshot = node_.store.Get();
  const auto found = snapshot->sandboxes.find(id);
  if (found == snapshot->sandboxes.end()) return;
  node_.launcher.ReapEnded(found->second->state.shim_pid);
  // A record that cannot be written is still published; the file is behind until the next change.
  static_cast<void>(
      node_.store.UpdateSandbox(id, [](State& state) { state.phase = Phase::kNotReady; }));
  for (const auto& container : snapshot->ContainersOf(id)) {
    if (container->state.phase != container::Phase::kRunning) continue;
    static_cast<void>(container::CollectExit(node_, *container->record));
  }
}

}  // namespace trivet::sandbox
