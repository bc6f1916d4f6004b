#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace trivet::state {

/// A reader-writer lock per key, there while somebody holds it or waits for it.
class KeyedMutex {
 public:
  /// Held while the object lives.
  template <class Lock>
  class Held {
   public:
    explicit Held(std::shared_ptr<std::shared_mutex> mutex)
        : mutex_(std::move(mutex)), lock_(*mutex_) {}

   private:
    std::shared_ptr<std::shared_mutex> mutex_;
    Lock lock_;
  };
  using Exclusive = Held<std::unique_lock<std::shared_mutex>>;
  using Shared = Held<std::shared_lock<std::shared_mutex>>;

  [[nodiscard]] Exclusive Lock(const std::string& key) { return Exclusive(MutexOf(key)); }
  [[nodiscard]] Shared LockShared(const std::string& key) { return Shared(MutexOf(key)); }

 private:
  std::shared_ptr<std::shared_mutex> MutexOf(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    auto& entry = mutexes_[key];
    auto mutex = entry.lock();
    if (mutex == nullptr) entry = mutex = std::make_shared<std::shared_mutex>();
    // Swept now and then, not at each release: a release would need this lock as well.
    if (mutexes_.size() > 2 * swept_ + 64) {
      std::erase_if(mutexes_, [](const auto& item) { return item.second.expired(); });
      swept_ = mutexes_.size();
    }
    return mutex;
  }

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<std::shared_mutex>> mutexes_;
  size_t swept_ = 0;
};

}  // namespace trivet::state
