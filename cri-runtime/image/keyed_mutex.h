#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace trivet::image {

/// One lock per key; keys that nobody holds take no memory.
class KeyedMutex {
 public:
  class Guard {
   public:
    Guard(Guard&& other) noexcept
        : mutex_(std::exchange(other.mutex_, nullptr)), key_(std::move(other.key_)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (mutex_ != nullptr) mutex_->Unlock(key_);
    }

   private:
    friend class KeyedMutex;
    Guard(KeyedMutex* mutex, std::string key) : mutex_(mutex), key_(std::move(key)) {}
    KeyedMutex* mutex_;
    std::string key_;
  };

  /// Waits until nobody holds `key`.
  [[nodiscard]] Guard Lock(const std::string& key) {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] { return !held_.contains(key); });
    held_.insert(key);
    return {this, key};
  }

 private:
  void Unlock(const std::string& key) {
    {
      const std::lock_guard lock(mutex_);
      held_.erase(key);
    }
    released_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable released_;
  std::set<std::string> held_;
};

}  // namespace trivet::image
