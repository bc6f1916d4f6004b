#include "cri-runtime/container/ending.h"

#include <poll.h>

#include <csignal>

#include "common/linux/file.h"
#include "common/linux/process.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/container/image_volume.h"
#include "proto/trivet/wire.h"

namespace trivet::container {
namespace {

// Invalid when it has ended: its number may be another process's by now.
UniqueFd OpenFirstProcess(const State& state) {
  auto process = OpenPidfd(state.pid);
  const auto start_time = ReadStartTime(state.pid);
  if (!process || !start_time || *start_time != state.start_time) return {};
  return std::move(*process);
}

}  // namespace

Result<> RecordExit(cri::Node& node, const shim::ExitRecord& exit) {
  const auto container = node.store.Get()->FindContainer(exit.id);
  if (container == nullptr) return Fail(Code::kNotFound, "container {} does not exist", exit.id);
  RETURN_IF_ERROR(node.store.UpdateContainer(exit.id, [&](State& state) {
    if (state.phase == Phase::kExited) return;
    state.phase = Phase::kExited;
    // Zero when we died between its start and the record of it.
    if (state.started_at_ns == 0) state.started_at_ns = exit.finished_at_ns;
    state.exit_code = exit.exit_code;
    state.oom_killed = exit.oom_killed;
    state.finished_at_ns = exit.finished_at_ns;
  }));
  return RemoveFile(node.paths.ExitRecord(container->record->sandbox_id, exit.id));
}

Result<> CollectExit(cri::Node& node, const Record& record) {
  shim::ExitRecord exit{.exit_code = 128 + SIGKILL, .finished_at_ns = cri::NowNs()};
  if (const auto text = ReadFile(node.paths.ExitRecord(record.sandbox_id, record.id))) {
    // A damaged one is as none: then all that is known is that it has ended.
    if (auto kept = wire::DecodeKept<shim::ExitRecord>(*text, shim::kMinor))
      exit = std::move(*kept);
  }
  exit.id = record.id;
  return RecordExit(node, exit);
}

bool EndHeldStart(cri::Node& node, const state::Container& container) {
  const Record& record = *container.record;
  if (container.state.phase != Phase::kCreated || record.config.hooks.empty()) return false;
  const auto shim = node.shims.Find(record.sandbox_id);
  if (!shim) return false;
  const shim::SignalRequest kill{.id = record.id, .signal = SIGKILL, .all = true};
  return (*shim)->Call<shim::Empty>(shim::Verb::kSignalContainer, kill).has_value();
}

void EndHeldStarts(cri::Node& node, const std::string& sandbox_id) {
  for (const auto& container : node.store.Get()->ContainersOf(sandbox_id)) {
    EndHeldStart(node, *container);
  }
}

Result<> SignalUnheard(cri::Node& node, const Record& record, int signal) {
  const auto container = node.store.Get()->FindContainer(record.id);
  if (container == nullptr || container->state.phase != Phase::kRunning) return {};
  const UniqueFd process = OpenFirstProcess(container->state);
  return process.valid() ? SendSignal(process, signal) : Result<>();
}

bool AwaitUnheard(cri::Node& node, const Record& record, std::chrono::milliseconds patience) {
  const auto container = node.store.Get()->FindContainer(record.id);
  if (container == nullptr || container->state.phase != Phase::kRunning) return true;
  const UniqueFd process = OpenFirstProcess(container->state);
  pollfd end{process.get(), POLLIN, 0};
  if (process.valid() && ::poll(&end, 1, static_cast<int>(patience.count())) == 0) return false;
  return CollectExit(node, record).has_value();
}

Result<> Undo(cri::Node& node, const Record& record) {
  // One at a time: a retry may come while the recovery undoes the same.
  const auto lock = node.sandbox_locks.Lock(record.id);
  if (!node.store.Get()->containers.contains(record.id)) return {};
  // Without a shim there is nobody to tell; the group's processes are killed below.
  if (const auto shim = node.shims.Find(record.sandbox_id)) {
    RETURN_IF_ERROR(
        (*shim)->Call<shim::Empty>(shim::Verb::kRemoveContainer, shim::ContainerRef{record.id}),
        "shim");
  }
  return Discard(node, record.id, record.cgroup);
}

Result<> Discard(cri::Node& node, const std::string& id, const std::string& group) {
  constexpr auto kPatience = std::chrono::seconds(10);
  RETURN_IF_ERROR(node.cgroups.End(group, kPatience), "cgroup");
  RETURN_IF_ERROR(RemoveTree(node.paths.Upper(id)), "overlay");
  const auto snapshot = node.store.Get();
  if (const auto found = snapshot->containers.find(id); found != snapshot->containers.end()) {
    for (const image::Pin& pin : PinsOf(*found->second->record)) {
      RETURN_IF_ERROR(node.images.Unpin(pin.owner), "image");
    }
  }
  RETURN_IF_ERROR(node.images.Unpin(id), "image");
  return node.store.RemoveContainer(id);
}

}  // namespace trivet::container
