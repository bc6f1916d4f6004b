#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "common/base/error.h"

namespace trivet::csi {

/// One operation per volume, snapshot or group at a time. The second is refused, not queued: the
/// spec lets it be ABORTED, and the caller's retry finds the first one's result.
class VolumeLocks {
 public:
  /// Holds the id until it is dropped.
  class Guard {
   public:
    Guard(Guard&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), id_(other.id_) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (locks_ != nullptr) locks_->Unlock(id_);
    }

   private:
    friend class VolumeLocks;
    Guard(VolumeLocks* locks, std::string id) : locks_(locks), id_(std::move(id)) {}
    VolumeLocks* locks_;
    std::string id_;
  };

  /// Errors: kAborted "v-…: an operation is pending on pool fast for 12 s". The guard must not
  /// outlive this object.
  Result<Guard> TryLock(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto [busy, is_free] = busy_.try_emplace(id, Busy{.since = Clock::now()});
    if (is_free) return Guard(this, id);
    const auto& [since, pool] = busy->second;
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
    return Fail(Code::kAborted, "{}: an operation is pending{}{} for {} s", id,
                pool.empty() ? "" : " on pool ", pool, waited.count());
  }

  /// Which pool the id's operation may come to wait for, for who is refused meanwhile: a disk that
  /// does not answer is found by it. Nothing happens when no operation holds the id.
  void Note(const std::string& id, const std::string& pool) {
    const std::lock_guard lock(mutex_);
    if (const auto busy = busy_.find(id); busy != busy_.end()) busy->second.pool = pool;
  }

  /// Whether somebody holds the id now.
  [[nodiscard]] bool IsHeld(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return busy_.contains(id);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Busy {
    Clock::time_point since;
    std::string pool;  // empty: not known yet
  };

  void Unlock(const std::string& id) {
    const std::lock_guard lock(mutex_);
    busy_.erase(id);
  }

  mutable std::mutex mutex_;
  std::map<std::string, Busy> busy_;  // guarded by mutex_
};

}  // namespace trivet::csi
