#include "cri-runtime/sandbox/sandboxes.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/user_namespace.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/cni/config_directory.h"
#include "cri-runtime/container/ending.h"
#include "cri-runtime/container/limits.h"
#include "cri-runtime/sandbox/groups.h"
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
  for (const auto& [id, sandbox] : snapshot.sandboxes) {
    if (sandbox->record->config.metadata == metadata) return sandbox;
  }
  return nullptr;
}

}  // namespace

Result<std::string> Sandboxes::Run(Config config,
                                   state::SingleFlight<std::string>::Deadline deadline) {
  const auto asked = std::make_shared<const Config>(std::move(config));
  return running_.DoUntil(
      KeyOf(asked->metadata), deadline,
      [this, asked](state::Progress& progress) { return Make(*asked, progress); });
}

Result<std::string> Sandboxes::Make(const Config& config, state::Progress& progress) {
  const Spares::Start start(node_.spares);
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
  Planned planned;
  std::optional<state::KeyedMutex::Exclusive> lock;  // longer than what goes on beside
  Beside beside;
  BeginPod(config, beside);
  ASSIGN_OR_RETURN(planned, PlanWith(config, beside.spare));
  Record& record = planned.record;
  // Held until it is in a record.
  ASSIGN_OR_RETURN(const selinux::Levels::Hold level, ChooseLabels(record), "selinux_options");
  lock.emplace(node_.sandbox_locks.Lock(record.id));
  auto built = RecordAndBuild(planned, beside, progress);
  if (built) return record.id;
  progress.Enter("shim");
  beside.End();
  // Nothing was made: not even the record could be written.
  if (!node_.store.Get()->sandboxes.contains(record.id)) {
    return std::unexpected(std::move(built).error());
  }
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

// The spare is dropped where it is none for this pod.
Result<Sandboxes::Planned> Sandboxes::PlanWith(const Config& config,
                                               std::unique_ptr<Spare>& spare) const {
  auto plan = Plan(config, spare.get());
  if (!plan) node_.spares.GiveBack(std::move(spare));
  if (!plan || spare == nullptr || IsFor(*spare, *plan)) return plan;
  spare.reset();
  return Plan(config, nullptr);
}

Result<Sandboxes::Planned> Sandboxes::Plan(const Config& config, const Spare* spare) const {
  RETURN_IF_ERROR(cri::ShimOfHandler(*node_.config.Get(), config.runtime_handler));
  if (config.namespaces.user && !CanUseUserNamespaces()) {
    return Fail(Code::kFailedPrecondition,
                "userns_options: user namespaces need Linux 5.19 and user.max_user_namespaces > 0");
  }
  Planned planned{
      .record = {.config = config, .created_at_ns = cri::NowNs(), .boot_id = node_.boot_id}};
  Record& record = planned.record;
  if (spare != nullptr) {
    record.id = spare->id;
  } else {
    ASSIGN_OR_RETURN(record.id, state::NewId());
  }
  ASSIGN_OR_RETURN(record.cgroup,
                   PodGroup(config, record.id, cri::PodsParent(*node_.config.Get())));
  if (config.namespaces.network == NamespaceMode::kNode) return planned;
  ASSIGN_OR_RETURN(planned.network, network::LoadNetworkConfig(node_.config->cni_config_dir),
                   "network");
  record.cni_config = planned.network->text;
  ASSIGN_OR_RETURN(planned.cni_args, CapabilityArgsOf(record, node_.pod_cidrs.CapabilityArgs()));
  record.cni_args = json::Write(planned.cni_args);
  return planned;
}

// Another plugin than the one that prepared it would find an interface there.
bool Sandboxes::IsFor(const Spare& spare, const Planned& planned) const {
  return !spare.preparer ||
         (planned.network && node_.network.PreparerOf(*planned.network) == spare.preparer);
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
  {
    const std::scoped_lock lock(stopped_mutex_);
    if (stopped_.contains(record.id)) return {};
  }
  const auto sandbox = node_.store.Get()->FindSandbox(record.id);
  if (sandbox == nullptr || sandbox->state.phase != Phase::kNotReady) {
    RETURN_IF_ERROR(
        node_.store.UpdateSandbox(record.id, [](State& state) { state.phase = Phase::kNotReady; }));
  }
  RETURN_IF_ERROR(EndProcesses(record));
  RETURN_IF_ERROR(FreeNetwork(record));
  const std::scoped_lock lock(stopped_mutex_);
  stopped_.insert(record.id);
  return {};
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
  return node_.cgroups.End(ReaperGroup(record), kKillPatience);
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
  RETURN_IF_ERROR(node_.store.RemoveSandbox(record.id));
  const std::scoped_lock lock(stopped_mutex_);
  stopped_.erase(record.id);
  return {};
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
