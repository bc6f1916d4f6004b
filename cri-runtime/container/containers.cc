#include "cri-runtime/container/containers.h"

#include <spdlog/spdlog.h>

#include <csignal>
#include <list>

#include "cri-runtime/checkpoint/save.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/container/creation.h"
#include "cri-runtime/container/ending.h"
#include "cri-runtime/container/exec_sync.h"
#include "cri-runtime/container/hooks.h"
#include "cri-runtime/container/limits.h"
#include "cri-runtime/container/process.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/state/id.h"

namespace trivet::container {
namespace {

constexpr auto kKillPatience = std::chrono::seconds(10);
constexpr auto kLateStartPatience = std::chrono::seconds(1);

// A shim that was too slow may still start it, beside the one that the kubelet makes in its place.
// It takes its requests in order: whatever it answers, this one comes after the start.
void KillLate(cri::ShimConnection& shim, const std::string& id) {
  const shim::SignalRequest kill{.id = id, .signal = SIGKILL, .all = true};
  static_cast<void>(
      shim.Call<shim::Empty>(shim::Verb::kSignalContainer, kill, {}, kLateStartPatience));
}

// A container that fits a retry: the same sandbox, name and attempt.
std::shared_ptr<const state::Container> FindByName(const state::Snapshot& snapshot,
                                                   const std::string& sandbox_id,
                                                   const Config& config) {
  for (const auto& container : snapshot.ContainersOf(sandbox_id)) {
    const Config& other = container->record->config;
    if (other.name == config.name && other.attempt == config.attempt) return container;
  }
  return nullptr;
}

}  // namespace

Result<std::shared_ptr<const state::Container>> Containers::Find(const std::string& id) const {
  auto found = node_.store.Get()->FindContainer(id);
  if (found == nullptr) return Fail(Code::kNotFound, "container {} does not exist", id);
  return found;
}

Result<std::shared_ptr<const state::Container>> Containers::FindRunning(
    const std::string& id) const {
  ASSIGN_OR_RETURN(auto found, Find(id));
  if (found->state.phase == Phase::kRunning) return found;
  return Fail(Code::kFailedPrecondition, "container {} does not run", id);
}

Result<std::shared_ptr<cri::ShimConnection>> Containers::ShimOf(const Record& record) const {
  if (auto shim = node_.shims.Find(record.sandbox_id)) return shim;
  // After a restart the recovery connects under this lock; then it is there or gone.
  {
    const auto connecting = node_.sandbox_locks.LockShared(record.sandbox_id);
  }
  return node_.shims.Find(record.sandbox_id);
}

Result<std::string> Containers::Create(const std::string& sandbox_id, Config config,
                                       state::SingleFlight<std::string>::Deadline deadline) {
  const auto sandbox = node_.store.Get()->FindSandbox(sandbox_id);
  if (sandbox == nullptr) return Fail(Code::kNotFound, "sandbox {} does not exist", sandbox_id);
  const std::string& id = sandbox->record->id;
  const auto asked = std::make_shared<const Config>(std::move(config));
  return creating_.DoUntil(
      fmt::format("{}/{}/{}", id, asked->name, asked->attempt), deadline,
      [this, id, asked](state::Progress& progress) { return Make(id, *asked, progress); });
}

std::vector<std::pair<std::string, std::string>> Containers::Running() const {
  std::vector<std::pair<std::string, std::string>> running;
  for (auto& [key, step] : creating_.Running())
    running.emplace_back("CreateContainer " + key, step);
  for (auto& [key, step] : starting_.Running()) running.emplace_back("StartContainer " + key, step);
  return running;
}

Result<std::string> Containers::Make(const std::string& sandbox_id, const Config& config,
                                     state::Progress& progress) {
  const sandbox::Spares::Start start(node_.spares);
  progress.Enter("wait for the sandbox");
  const auto lock = node_.sandbox_locks.LockShared(sandbox_id);
  const auto snapshot = node_.store.Get();
  const auto sandbox = snapshot->FindSandbox(sandbox_id);
  if (sandbox == nullptr || sandbox->state.phase != sandbox::Phase::kReady) {
    return Fail(Code::kFailedPrecondition, "sandbox {} is not ready", sandbox_id);
  }
  if (const auto found = FindByName(*snapshot, sandbox_id, config)) {
    const Record& record = *found->record;
    if (found->state.phase == Phase::kCreated) return record.id;
    if (found->state.phase != Phase::kCreating) {
      return Fail(Code::kAlreadyExists, "container {} has the same name and attempt", record.id);
    }
    // Nobody makes it any more: a daemon before us was killed meanwhile.
    RETURN_IF_ERROR(Undo(node_, record), "undo what a crash left");
  }
  ASSIGN_OR_RETURN(const std::string id, state::NewId());
  auto made = Creation(node_, sandbox, id).Run(config, progress);
  if (made) return id;
  progress.Enter("undo");
  const auto now = node_.store.Get();
  const auto half_made = now->containers.find(id);
  auto undone = half_made == now->containers.end()
                    ? Discard(node_, id, sandbox::ContainerGroup(*sandbox->record, id))
                    : Undo(node_, *half_made->second->record);
  if (!undone) {
    spdlog::error("undo of a container is owed to the next start container={} error=\"{}\"", id,
                  undone.error().message());
  }
  return std::unexpected(std::move(made).error());
}

Result<> Containers::Start(const std::string& id, state::SingleFlight<void>::Deadline deadline) {
  ASSIGN_OR_RETURN(const auto named, Find(id));
  return starting_.DoUntil(named->record->id, deadline, [this, named](state::Progress& progress) {
    progress.Enter(named->record->config.hooks.empty() ? "execute" : "CDI hooks and execute");
    return Launch(*named->record);
  });
}

Result<> Containers::Launch(const Record& record) {
  const sandbox::Spares::Start start(node_.spares);
  const auto pod = node_.sandbox_locks.LockShared(record.sandbox_id);
  const auto lock = locks_.Lock(record.id);
  ASSIGN_OR_RETURN(const auto container, Find(record.id));
  // A retry after a call whose answer was lost with a daemon: it is as asked.
  if (container->state.phase == Phase::kRunning) return {};
  if (container->state.phase != Phase::kCreated) {
    return Fail(Code::kFailedPrecondition, "container {} has ended", record.id);
  }
  ASSIGN_OR_RETURN(const auto shim, node_.shims.Find(record.sandbox_id));
  const int64_t started_at_ns = cri::NowNs();
  auto started =
      shim->Call<shim::Started>(shim::Verb::kStartContainer, shim::ContainerRef{record.id}, {},
                                cri::ShimConnection::kPatience + TimeOfStartHooks(record.config));
  if (!started && started.error().code() == Code::kDeadlineExceeded) KillLate(*shim, record.id);
  RETURN_IF_ERROR(node_.store.UpdateContainer(record.id, [&](State& state) {
    state.started_at_ns = started_at_ns;
    if (!started) {
      state.phase = Phase::kExited;
      state.exit_code = shim::kStartFailedCode;
      state.message = started.error().message();
      state.finished_at_ns = cri::NowNs();
      return;
    }
    state.pid = started->pid;
    state.start_time = started->start_time;
    // Its end may have been told before its start was recorded.
    if (state.phase == Phase::kCreated) state.phase = Phase::kRunning;
  }));
  if (!started) return std::unexpected(std::move(started).error());
  return {};
}

Result<> Containers::Signal(const Record& record, int signal, bool all) {
  const auto shim = ShimOf(record);
  if (!shim) return SignalUnheard(node_, record, signal);
  RETURN_IF_ERROR((*shim)->Call<shim::Empty>(
      shim::Verb::kSignalContainer,
      shim::SignalRequest{.id = record.id, .signal = signal, .all = all}));
  return {};
}

bool Containers::AwaitEnd(const Record& record, std::chrono::milliseconds patience) const {
  if (!node_.shims.Find(record.sandbox_id)) return AwaitUnheard(node_, record, patience);
  return node_.store.WaitForContainer(record.id, std::chrono::steady_clock::now() + patience,
                                      [](const State& s) { return s.phase != Phase::kRunning; });
}

// Once, however often the kubelet calls: to many a program a second signal says to give up what it
// is finishing.
Result<> Containers::AskToStop(const Record& record) {
  {
    const std::scoped_lock lock(asked_mutex_);
    const auto snapshot = node_.store.Get();
    std::erase_if(asked_to_stop_,
                  [&](const std::string& id) { return !snapshot->containers.contains(id); });
    if (!asked_to_stop_.insert(record.id).second) return {};
  }
  auto signalled = Signal(record, record.stop_signal, false);
  if (signalled) return {};
  const std::scoped_lock lock(asked_mutex_);
  asked_to_stop_.erase(record.id);
  return signalled;
}

Result<> Containers::AwaitHeldStart(const Record& record) const {
  const auto deadline = std::chrono::steady_clock::now() + kKillPatience;
  const bool ended = node_.store.WaitForContainer(
      record.id, deadline, [](const State& s) { return s.phase == Phase::kExited; });
  if (ended) return {};
  return Fail(Code::kDeadlineExceeded, "container {} did not end after KILL", record.id);
}

// After its first process. A PID namespace of the container's own has gone with that one, which the
// shim has seen, as long as it is there: then nobody is looked for. (What is in the group and not
// in the namespace, put there by somebody who may do so, ends with the group.) Source:
// zap_pid_ns_processes() in kernel/pid_namespace.c.
Result<> Containers::EndRest(const Record& record) const {
  const bool own = record.config.security.namespaces.pid == sandbox::NamespaceMode::kContainer;
  if (own && node_.shims.Find(record.sandbox_id)) return {};
  return node_.cgroups.Kill(record.cgroup, kKillPatience);
}

Result<> Containers::Stop(const std::string& id, std::chrono::seconds timeout) {
  const auto container = node_.store.Get()->FindContainer(id);
  if (container == nullptr) return {};
  if (EndHeldStart(node_, *container)) return AwaitHeldStart(*container->record);
  if (container->state.phase != Phase::kRunning) return {};
  const Record& record = *container->record;
  if (timeout > std::chrono::seconds::zero()) {
    RETURN_IF_ERROR(AskToStop(record), "stop");
    if (AwaitEnd(record, timeout)) return EndRest(record);
  }
  RETURN_IF_ERROR(Signal(record, SIGKILL, true), "kill");
  RETURN_IF_ERROR(node_.cgroups.Kill(record.cgroup, kKillPatience), "kill");
  if (AwaitEnd(record, kKillPatience)) return {};
  return Fail(Code::kDeadlineExceeded, "container {} did not end after KILL", record.id);
}

Result<> Containers::Remove(const std::string& id) {
  const auto named = node_.store.Get()->FindContainer(id);
  if (named == nullptr) return {};
  const Record& record = *named->record;
  EndHeldStart(node_, *named);
  const auto pod = node_.sandbox_locks.LockShared(record.sandbox_id);
  const auto lock = locks_.Lock(record.id);
  return Undo(node_, record);
}

Result<ExecOutput> Containers::ExecSync(const std::string& id, const std::vector<std::string>& args,
                                        std::chrono::seconds timeout) {
  ASSIGN_OR_RETURN(const auto container, FindRunning(id));
  const Record& record = *container->record;
  ASSIGN_OR_RETURN(shim::ProcessSpec process, MakeProcess(node_, record));
  process.args = args;
  process.terminal = false;
  ASSIGN_OR_RETURN(const auto shim, ShimOf(record));
  return RunExec(*shim, record.id, std::move(process), timeout);
}

Result<> Containers::ReopenLog(const std::string& id) {
  ASSIGN_OR_RETURN(const auto container, FindRunning(id));
  ASSIGN_OR_RETURN(const auto shim, ShimOf(*container->record));
  RETURN_IF_ERROR(
      shim->Call<shim::Empty>(shim::Verb::kReopenLog, shim::ContainerRef{container->record->id}));
  return {};
}

Result<> Containers::UpdateResources(const std::string& id, const Resources& update) {
  ASSIGN_OR_RETURN(const auto named, Find(id));
  const Record& record = *named->record;
  const auto lock = locks_.Lock(record.id);
  ASSIGN_OR_RETURN(const auto container, Find(record.id));
  if (container->state.phase == Phase::kExited) {
    return Fail(Code::kFailedPrecondition, "container {} has ended", record.id);
  }
  const Resources& before = container->state.resources;
  const Resources after = MergeResources(before, update);
  ASSIGN_OR_RETURN(const CgroupLimits limits, LimitsOf(after, node_.config->pids_limit));
  if (auto set = node_.cgroups.SetLimits(record.cgroup, limits); !set) {
    // All or nothing: what was there worked before.
    if (const auto old = LimitsOf(before, node_.config->pids_limit)) {
      static_cast<void>(node_.cgroups.SetLimits(record.cgroup, *old));
    }
    return set;
  }
  return node_.store.UpdateContainer(record.id, [&](State& state) { state.resources = after; });
}

// Held until it is saved: nobody removes what is read. In the order of the ids, as the map has
// them.
Result<> Containers::Checkpoint(const std::map<std::string, std::filesystem::path>& archives,
                                std::chrono::steady_clock::time_point deadline) {
  std::list<state::KeyedMutex::Shared> pods;
  std::list<state::KeyedMutex::Exclusive> locks;
  std::vector<checkpoint::Target> targets;
  for (const auto& [id, archive] : archives) {
    ASSIGN_OR_RETURN(const auto named, FindRunning(id));
    pods.push_back(node_.sandbox_locks.LockShared(named->record->sandbox_id));
    locks.push_back(locks_.Lock(named->record->id));
    ASSIGN_OR_RETURN(auto container, FindRunning(named->record->id));
    targets.push_back({std::move(container), archive});
  }
  return checkpoint::Save(node_, targets, deadline);
}

}  // namespace trivet::container
