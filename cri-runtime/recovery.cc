#include "cri-runtime/recovery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <latch>

#include "common/linux/file.h"
#include "common/linux/mount.h"
#include "common/linux/process.h"
#include "cri-runtime/checkpoint/saving.h"
#include "cri-runtime/container/ending.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/sandbox/network_upkeep.h"
#include "cri-runtime/state/id.h"

namespace trivet::cri {
namespace {

// Of a shim whose node has more to do than it can: one that is gone fails at once.
constexpr auto kShimPatience = std::chrono::seconds(30);
constexpr auto kKillPatience = std::chrono::seconds(10);
constexpr const char* kShimName = "trivet-shim";

void LogFailure(const char* what, const std::string& id, const Result<>& result) {
  if (result) return;
  spdlog::warn("recovery: {} failed id={} error=\"{}\"", what, id, result.error().message());
}

// The process of a shim whose record is gone, if it is one: by its pid file and its name.
Result<UniqueFd> OpenStrayShim(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / "pid"));
  int pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  ASSIGN_OR_RETURN(UniqueFd pidfd, OpenPidfd(pid));
  ASSIGN_OR_RETURN(const std::string command, ReadFile(fmt::format("/proc/{}/cmdline", pid)));
  const bool ours = command.find(kShimName) != std::string::npos &&
                    command.find(folder.native()) != std::string::npos;
  if (!ours) return Fail(Code::kNotFound, "process {} is no shim of ours", pid);
  return pidfd;
}

bool Runs(const state::Snapshot& snapshot, const std::string& sandbox_id) {
  return std::ranges::any_of(snapshot.ContainersOf(sandbox_id), [](const auto& container) {
    return container->state.phase == container::Phase::kRunning;
  });
}

}  // namespace

Result<> Recovery::SweepFolder(const std::filesystem::path& folder,
                               const std::function<bool(const std::string&)>& is_known,
                               const std::function<Result<>(const std::string&)>& remove) {
  const auto names = ListDirectory(folder);
  if (!names && names.error().code() == Code::kNotFound) return {};
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!state::IsId(name) || is_known(name)) continue;
    spdlog::info("recovery: removing a leftover path={}", (folder / name).native());
    LogFailure("remove leftover", name, remove(name));
  }
  return {};
}

Result<> Recovery::Sweep() {
  EndEarlierBoot();
  const auto snapshot = node_.store.Get();
  const auto is_sandbox = [&](const std::string& id) { return snapshot->sandboxes.contains(id); };
  const auto is_container = [&](const std::string& id) {
    return snapshot->containers.contains(id);
  };
  const Paths& paths = node_.paths;
  RETURN_IF_ERROR(SweepFolder(paths.Shims(), is_sandbox,
                              [&](const std::string& id) { return EndStrayShim(id); }));
  const auto unpin = [&](const std::string& id) -> Result<> {
    const auto netns = paths.NetworkNamespace(id);
    RETURN_IF_ERROR(Unmount(netns, true));
    return RemoveFile(netns);
  };
  RETURN_IF_ERROR(SweepFolder(paths.NetworkNamespaces(), is_sandbox, unpin));
  RETURN_IF_ERROR(SweepFolder(paths.Pods(), is_sandbox,
                              [&](const std::string& id) { return RemoveTree(paths.Pod(id)); }));
  return SweepFolder(paths.Uppers(), is_container,
                     [&](const std::string& id) { return RemoveTree(paths.Upper(id)); });
}

Result<> Recovery::EndStrayShim(const std::string& id) {
  const std::filesystem::path folder = node_.paths.Shim(id);
  const auto shim = OpenStrayShim(folder);
  if (shim) RETURN_IF_ERROR(SendSignal(*shim, SIGKILL));
  ASSIGN_OR_RETURN(const std::string group,
                   sandbox::PodGroup({}, id, PodsParent(*node_.config.Get())));
  RETURN_IF_ERROR(node_.cgroups.End(group, kKillPatience));
  RETURN_IF_ERROR(Unmount(node_.paths.PodFolder(id), true));
  RETURN_IF_ERROR(Unmount(node_.paths.EarlierShm(id), true));
  return RemoveTree(folder);
}

// After a reboot nothing runs. DEL is owed for each attachment: StopPodSandbox does it.
void Recovery::EndEarlierBoot() {
  const auto snapshot = node_.store.Get();
  for (const auto& [id, container] : snapshot->containers) {
    if (container->record->boot_id == node_.boot_id) continue;
    if (container->state.phase != container::Phase::kRunning &&
        container->state.phase != container::Phase::kCreated) {
      continue;
    }
    LogFailure("record exit", id, container::CollectExit(node_, *container->record));
  }
  for (const auto& [id, sandbox] : snapshot->sandboxes) {
    if (sandbox->record->boot_id == node_.boot_id) continue;
    LogFailure("record reboot", id, node_.store.UpdateSandbox(id, [](sandbox::State& state) {
      state.phase = sandbox::Phase::kNotReady;
      state.shim_pid = 0;
      state.network_attached = true;  // the state may be what the reboot lost; DEL is repeatable
    }));
  }
}

void Recovery::Reconnect() {
  const auto snapshot = node_.store.Get();
  std::vector<std::shared_ptr<const state::Sandbox>> ready;
  for (const auto& [id, sandbox] : snapshot->sandboxes) {
    if (sandbox->state.phase == sandbox::Phase::kReady) {
      ready.push_back(sandbox);
    } else if (sandbox->state.phase == sandbox::Phase::kCreating) {
      threads_.emplace_back([this, id] { LogFailure("undo sandbox", id, sandboxes_.Undo(id)); });
    } else if (Runs(*snapshot, id)) {
      threads_.emplace_back([this, id](const std::stop_token& stop) { WatchUnheard(stop, id); });
    }
  }
  // Calls about a sandbox wait until its shim was asked: when CRI is served, its lock is taken.
  std::latch locked(static_cast<ptrdiff_t>(ready.size()));
  for (const auto& sandbox : ready) {
    threads_.emplace_back([this, &locked, id = sandbox->record->id](const std::stop_token& stop) {
      {
        const auto lock = node_.sandbox_locks.Lock(id);
        locked.count_down();
        Reach(id);
      }
      if (!node_.shims.Find(id)) WatchUnheard(stop, id);
    });
  }
  locked.wait();
  for (const auto& [id, container] : snapshot->containers) {
    const bool orphan = !snapshot->sandboxes.contains(container->record->sandbox_id);
    if (container->state.phase != container::Phase::kCreating && !orphan) continue;
    threads_.emplace_back([this, container] {
      const container::Record& record = *container->record;
      const auto lock = node_.sandbox_locks.LockShared(record.sandbox_id);
      LogFailure("undo container", record.id, container::Undo(node_, record));
    });
  }
}

void Recovery::ClearCheckpoints() {
  static constexpr auto kPoll = std::chrono::milliseconds(100);
  const auto cleared = [this] {
    const auto all = checkpoint::ClearLeftovers(node_);
    if (!all) spdlog::error("recovery: checkpoints error=\"{}\"", all.error().message());
    return !all || *all;
  };
  if (cleared()) return;
  threads_.emplace_back([cleared](const std::stop_token& stop) {
    while (!stop.stop_requested() && !cleared()) std::this_thread::sleep_for(kPoll);
  });
}

void Recovery::TidyNetworks() {
  threads_.emplace_back(
      [this](const std::stop_token& stop) { sandbox::TidyNetworks(node_, stop); });
}

void Recovery::Reach(const std::string& id) {
  const auto connection = node_.shims.Connect(id, node_.paths.Shim(id) / "sock");
  if (connection) {
    const auto state = (*connection)->Hello(kShimPatience);
    if (state) {
      Compare(*state, id);
      spdlog::info("recovery: found sandbox={} containers={} protocol={}.{}", id,
                   state->containers.size(), shim::kMajor, (*connection)->minor());
      return;
    }
    node_.shims.Drop(id);
    // It lives, and so may its containers.
    if (state.error().code() == Code::kFailedPrecondition ||
        state.error().code() == Code::kDeadlineExceeded) {
      spdlog::error("recovery: sandbox can only be stopped sandbox={} error=\"{}\"", id,
                    state.error().message());
      return sandboxes_.MarkUnheard(id);
    }
  }
  spdlog::warn("recovery: sandbox has no shim any more sandbox={}", id);
  sandboxes_.MarkDead(id);
}

void Recovery::WatchUnheard(const std::stop_token& stop, const std::string& id) {
  constexpr auto kLook = std::chrono::seconds(1);
  for (auto now = node_.store.Get(); Runs(*now, id); now = node_.store.Get()) {
    for (const auto& container : now->ContainersOf(id)) {
      if (stop.stop_requested()) return;
      container::AwaitUnheard(node_, *container->record, kLook);
    }
  }
}

void Recovery::Compare(const shim::State& running, const std::string& id) {
  for (const auto& container : node_.store.Get()->ContainersOf(id)) {
    const std::string& name = container->record->id;
    const auto found = std::ranges::find(running.containers, name, &shim::ContainerState::id);
    const bool was_running = container->state.phase == container::Phase::kRunning;
    if (container->state.phase == container::Phase::kCreating) continue;  // it will be undone
    if (found == running.containers.end()) {
      if (was_running)
        LogFailure("record exit", name, container::CollectExit(node_, *container->record));
    } else if (found->phase == shim::ContainerPhase::kExited) {
      LogFailure("record exit", name, container::RecordExit(node_, found->exit));
    } else if (found->phase == shim::ContainerPhase::kRunning && !was_running) {
      // We died between the start and its record.
      LogFailure("record start", name,
                 node_.store.UpdateContainer(name, [&](container::State& state) {
                   state.phase = container::Phase::kRunning;
                   state.pid = found->pid;
                   state.start_time = found->start_time;
                   state.started_at_ns = container->record->created_at_ns;
                 }));
    }
  }
}

}  // namespace trivet::cri
