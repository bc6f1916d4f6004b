#include "cri-runtime/state/store.h"

#include <spdlog/spdlog.h>

#include "common/linux/file.h"
#include "common/linux/state_file.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/state/fields.h"
#include "cri-runtime/state/id.h"

namespace trivet::state {
namespace {

constexpr std::string_view kRecordSuffix = ".json";
constexpr std::string_view kStateSuffix = ".state";

std::filesystem::path FileOf(const std::filesystem::path& directory, const std::string& id,
                             std::string_view suffix) {
  return directory / (id + std::string(suffix));
}

// The ids that have a file with that suffix in `directory`.
Result<std::vector<std::string>> ListIds(const std::filesystem::path& directory,
                                         std::string_view suffix = kRecordSuffix) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    if (!name.ends_with(suffix)) continue;
    const std::string id = name.substr(0, name.size() - suffix.size());
    if (IsId(id)) ids.push_back(id);
  }
  return ids;
}

// A power cut may leave a state whose record was not durable yet.
Result<> RemoveStrayStates(const std::filesystem::path& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListIds(directory, kStateSuffix));
  for (const std::string& id : ids) {
    if (std::filesystem::exists(FileOf(directory, id, kRecordSuffix))) continue;
    RETURN_IF_ERROR(RemoveFile(FileOf(directory, id, kStateSuffix)));
  }
  return {};
}

template <class T>
Result<T> ReadRecord(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  return Decode<T>(text);
}

// A damaged record is what a kill or a power cut left of one that nobody has acted on. A newer one
// is another program's, and is refused.
template <class T>
Result<std::optional<T>> ReadIntent(const std::filesystem::path& file) {
  auto record = ReadRecord<T>(file);
  if (record) return std::optional<T>(std::move(*record));
  if (record.error().code() != Code::kInvalidArgument) {
    return std::unexpected(std::move(record).error().Wrap(file.native()));
  }
  spdlog::warn("damaged record is dropped file={} error=\"{}\"", file.native(),
               record.error().message());
  RETURN_IF_ERROR(RemoveFile(file));
  return std::optional<T>();
}

// Of one more name, if only for a moment, a small folder on XFS becomes a large one, which may wait
// for the disk. What a kill cuts short is damaged, and nobody has acted on it.
Result<> WriteIntent(const std::filesystem::path& file, const std::string& text) {
  ASSIGN_OR_RETURN(const bool created, CreateFile(file, text));
  if (!created) return Fail(Code::kAlreadyExists, "{} is there", file.native());
  return {};
}

using Told = std::vector<EventType>;

Told EventsOf(sandbox::Phase before, sandbox::Phase now) {
  if (before == now) return {};
  if (now == sandbox::Phase::kReady) return {EventType::kCreated, EventType::kStarted};
  if (before == sandbox::Phase::kReady) return {EventType::kStopped};
  return {};
}

// Of one that ended at once the end may be recorded before the start is.
Told EventsOf(const container::State& before, const container::State& now) {
  if (before.phase == now.phase) return {};
  if (now.phase == container::Phase::kCreated) return {EventType::kCreated};
  if (now.phase == container::Phase::kRunning) return {EventType::kStarted};
  if (now.phase != container::Phase::kExited) return {};
  if (before.phase == container::Phase::kCreated && now.exit_code != shim::kStartFailedCode) {
    return {EventType::kStarted, EventType::kStopped};
  }
  return {EventType::kStopped};
}

// A half-made one was nobody's.
template <class Phase>
Told EventsOfRemoval(Phase before) {
  return before == Phase::kCreating ? Told{} : Told{EventType::kDeleted};
}

// In place of a missing or damaged state: `half_made`.
template <class T>
Result<T> ReadState(const std::filesystem::path& file, T half_made) {
  auto state = ReadRecord<T>(file);
  if (state) return std::move(*state);
  if (state.error().code() == Code::kFailedPrecondition) {
    return std::unexpected(std::move(state).error().Wrap(file.native()));
  }
  return half_made;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const cri::Paths& paths) {
  RETURN_IF_ERROR(EnsureDirectory(paths.Sandboxes()), "state folder");
  RETURN_IF_ERROR(EnsureDirectory(paths.Containers()), "state folder");
  RETURN_IF_ERROR(RemoveAbandonedSiblings(paths.Sandboxes()), "state folder");
  RETURN_IF_ERROR(RemoveAbandonedSiblings(paths.Containers()), "state folder");
  std::unique_ptr<Store> store(new Store(paths));
  RETURN_IF_ERROR(store->ReadSandboxes(), "read sandboxes");
  RETURN_IF_ERROR(store->ReadContainers(), "read containers");
  RETURN_IF_ERROR(RemoveStrayStates(paths.Sandboxes()), "state folder");
  RETURN_IF_ERROR(RemoveStrayStates(paths.Containers()), "state folder");
  return store;
}

Result<> Store::ReadSandboxes() {
  const auto directory = paths_.Sandboxes();
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListIds(directory));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(auto record,
                     ReadIntent<sandbox::Record>(FileOf(directory, id, kRecordSuffix)));
    if (!record) continue;
    ASSIGN_OR_RETURN(auto state,
                     ReadState(FileOf(directory, id, kStateSuffix), sandbox::HalfMade(*record)));
    Publish([&](Snapshot& snapshot) {
      snapshot.sandboxes.Set(std::make_shared<const Sandbox>(
          Sandbox{std::make_shared<const sandbox::Record>(std::move(*record)), state}));
    });
  }
  return {};
}

Result<> Store::ReadContainers() {
  const auto directory = paths_.Containers();
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListIds(directory));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(auto record,
                     ReadIntent<container::Record>(FileOf(directory, id, kRecordSuffix)));
    if (!record) continue;
    ASSIGN_OR_RETURN(auto state,
                     ReadState(FileOf(directory, id, kStateSuffix), container::State{}));
    Publish([&](Snapshot& snapshot) {
      snapshot.containers.Set(std::make_shared<const Container>(
          Container{std::make_shared<const container::Record>(std::move(*record)), state}));
    });
  }
  return {};
}

std::shared_ptr<const Snapshot> Store::Get() const {
  const std::scoped_lock lock(snapshot_mutex_);
  return snapshot_;
}

// What listeners are told of a change; nothing when it is none of their business.
struct Store::Change {
  std::string id;
  std::string sandbox_id;
  std::vector<EventType> events;
};

void Store::Publish(const std::function<void(Snapshot&)>& change) {
  Publish(change, {});
}

void Store::Publish(const std::function<void(Snapshot&)>& change, const Change& told) {
  const std::scoped_lock lock(mutex_);
  auto next = std::make_shared<Snapshot>(*Get());
  change(*next);
  Replace(std::move(next));
  changed_.notify_all();
  if (told.events.empty() || !events_.has_listeners()) return;
  const auto now = Get();
  // Under the lock: events come in the order of the changes.
  for (const EventType type : told.events) {
    events_.Push({.type = type,
                  .id = told.id,
                  .at_ns = cri::NowNs(),
                  .sandbox = now->FindSandbox(told.sandbox_id),
                  .containers = now->ContainersOf(told.sandbox_id)});
  }
}

// Readers are kept out for an exchange of pointers only: whoever holds their lock and is not let
// run holds up every call. The earlier snapshot goes, with all that is in it alone, after that.
void Store::Replace(std::shared_ptr<const Snapshot> next) {
  const std::scoped_lock lock(snapshot_mutex_);
  snapshot_.swap(next);
}

Result<> Store::Add(sandbox::Record record) {
  const std::string id = record.id;
  const auto writing = writing_.Lock(id);
  RETURN_IF_ERROR(WriteIntent(FileOf(paths_.Sandboxes(), id, kRecordSuffix), Encode(record)),
                  "record sandbox");
  Publish([&](Snapshot& snapshot) {
    const sandbox::State state = sandbox::HalfMade(record);
    snapshot.sandboxes.Set(std::make_shared<const Sandbox>(
        Sandbox{std::make_shared<const sandbox::Record>(std::move(record)), state}));
  });
  return {};
}

Result<> Store::MakeDurable(const std::string& sandbox_id) const {
  RETURN_IF_ERROR(SyncFile(FileOf(paths_.Sandboxes(), sandbox_id, kRecordSuffix)),
                  "record sandbox");
  return SyncDirectory(paths_.Sandboxes());
}

Result<> Store::Add(container::Record record) {
  const std::string id = record.id;
  const auto writing = writing_.Lock(id);
  RETURN_IF_ERROR(WriteIntent(FileOf(paths_.Containers(), id, kRecordSuffix), Encode(record)),
                  "record container");
  Publish([&](Snapshot& snapshot) {
    snapshot.containers.Set(std::make_shared<const Container>(
        Container{std::make_shared<const container::Record>(std::move(record)), {}}));
  });
  return {};
}

Result<> Store::UpdateSandbox(const std::string& id,
                              const std::function<void(sandbox::State&)>& change) {
  const auto writing = writing_.Lock(id);
  const auto snapshot = Get();
  const auto found = snapshot->sandboxes.find(id);
  if (found == snapshot->sandboxes.end()) {
    return Fail(Code::kNotFound, "sandbox {} does not exist", id);
  }
  auto next = std::make_shared<Sandbox>(*found->second);
  change(next->state);
  const auto written = WritePage(FileOf(paths_.Sandboxes(), id, kStateSuffix), Encode(next->state));
  // Also when the disk is full: what happened has happened, and callers must see it.
  const Change told{id, id, EventsOf(found->second->state.phase, next->state.phase)};
  Publish([&](Snapshot& s) { s.sandboxes.Set(std::move(next)); }, told);
  RETURN_IF_ERROR(written, "record sandbox");
  return {};
}

Result<> Store::UpdateContainer(const std::string& id,
                                const std::function<void(container::State&)>& change) {
  const auto writing = writing_.Lock(id);
  const auto snapshot = Get();
  const auto found = snapshot->containers.find(id);
  if (found == snapshot->containers.end()) {
    return Fail(Code::kNotFound, "container {} does not exist", id);
  }
  auto next = std::make_shared<Container>(*found->second);
  change(next->state);
  const auto written =
      WritePage(FileOf(paths_.Containers(), id, kStateSuffix), Encode(next->state));
  // Also when the disk is full: what happened has happened, and callers must see it.
  const Change told{id, next->record->sandbox_id, EventsOf(found->second->state, next->state)};
  Publish([&](Snapshot& s) { s.containers.Set(std::move(next)); }, told);
  RETURN_IF_ERROR(written, "record container");
  return {};
}

Result<> Store::RemoveSandbox(const std::string& id) {
  const auto writing = writing_.Lock(id);
  RETURN_IF_ERROR(RemoveFile(FileOf(paths_.Sandboxes(), id, kStateSuffix)));
  RETURN_IF_ERROR(RemoveFile(FileOf(paths_.Sandboxes(), id, kRecordSuffix)));
  const auto snapshot = Get();
  const auto found = snapshot->sandboxes.find(id);
  if (found == snapshot->sandboxes.end()) return {};
  const Change told{id, id, EventsOfRemoval(found->second->state.phase)};
  Publish([&](Snapshot& s) { s.sandboxes.Erase(id); }, told);
  return {};
}

Result<> Store::RemoveContainer(const std::string& id) {
  const auto writing = writing_.Lock(id);
  RETURN_IF_ERROR(RemoveFile(FileOf(paths_.Containers(), id, kStateSuffix)));
  RETURN_IF_ERROR(RemoveFile(FileOf(paths_.Containers(), id, kRecordSuffix)));
  const auto snapshot = Get();
  const auto found = snapshot->containers.find(id);
  if (found == snapshot->containers.end()) return {};
  const std::string& sandbox_id = found->second->record->sandbox_id;
  RETURN_IF_ERROR(RemoveFile(paths_.ExitRecord(sandbox_id, id)));
  const Change told{id, sandbox_id, EventsOfRemoval(found->second->state.phase)};
  Publish([&](Snapshot& s) { s.containers.Erase(id); }, told);
  return {};
}

bool Store::WaitForContainer(const std::string& id, std::chrono::steady_clock::time_point deadline,
                             const std::function<bool(const container::State&)>& met) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] {
    const auto snapshot = Get();
    const auto found = snapshot->containers.find(id);
    return found == snapshot->containers.end() || met(found->second->state);
  });
}

}  // namespace trivet::state
