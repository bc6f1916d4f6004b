#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/inheriting_mutex.h"
#include "cri-runtime/paths.h"
#include "cri-runtime/state/events.h"
#include "cri-runtime/state/keyed_mutex.h"
#include "cri-runtime/state/snapshot.h"

namespace trivet::state {

/// The records on disk and the snapshot of them. Any thread.
///
/// What something was asked to be is a file of its own, written once before
/// anything is made; how it is, is a second, small one. The first is made durable
/// for a sandbox before its network is attached, which outlives a reboot; all else is void
/// after a reboot and is only written atomically.
class Store {
 public:
  /// Reads all records. A state that is missing or damaged reads as half-made.
  /// Errors: kFailedPrecondition for a record of a newer version, which names the file.
  static Result<std::unique_ptr<Store>> Open(const cri::Paths& paths);

  /// To be held in a variable while its members are used: in C++23 a range-for does not keep a
  /// temporary of its initialiser with this compiler.
  [[nodiscard]] std::shared_ptr<const Snapshot> Get() const;

  Result<> Add(sandbox::Record record);
  Result<> Add(container::Record record);
  /// A sandbox's record outlives a power cut from now on. Errors: kNotFound when it is gone.
  Result<> MakeDurable(const std::string& sandbox_id) const;

  /// Changes a state and writes it. Errors: kNotFound when the record is gone.
  Result<> UpdateSandbox(const std::string& id, const std::function<void(sandbox::State&)>& change);
  Result<> UpdateContainer(const std::string& id,
                           const std::function<void(container::State&)>& change);

  /// Absent is success. The record goes last.
  Result<> RemoveSandbox(const std::string& id);
  Result<> RemoveContainer(const std::string& id);

  /// Waits until `met` holds for the container; absent counts as met. False at the deadline.
  bool WaitForContainer(const std::string& id, std::chrono::steady_clock::time_point deadline,
                        const std::function<bool(const container::State&)>& met) const;

  /// What changes from now on, in order.
  [[nodiscard]] Events& events() { return events_; }

 private:
  explicit Store(cri::Paths paths) : paths_(std::move(paths)) {}
  Result<> ReadSandboxes();
  Result<> ReadContainers();
  void Publish(const std::function<void(Snapshot&)>& change);
  struct Change;
  void Publish(const std::function<void(Snapshot&)>& change, const Change& told);
  void Replace(std::shared_ptr<const Snapshot> next);

  cri::Paths paths_;
  Events events_;
  KeyedMutex writing_;        // by id: its file and its state change together
  mutable std::mutex mutex_;  // of changes
  mutable std::condition_variable changed_;
  mutable InheritingMutex snapshot_mutex_;  // of the pointer below; taken for a copy of it, last
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>();
};

}  // namespace trivet::state
