#pragma once

#include <mutex>
#include <set>
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

  /// Errors: kAborted "v-…: an operation is pending". The guard must not
  /// outlive this object.
  Result<Guard> TryLock(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (!busy_.insert(id).second) {
      return Fail(Code::kAborted, "{}: an operation is pending", id);
    }
    return Guard(this, id);
  }

  /// Whether somebody holds the id now.
  [[nodiscard]] bool IsHeld(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return busy_.contains(id);
  }

 private:
  void Unlock(const std::string& id) {
    const std::lock_guard lock(mutex_);
    busy_.erase(id);
  }

  mutable std::mutex mutex_;
  std::set<std::string> busy_;  // guarded by mutex_
};

}  // namespace trivet::csi
