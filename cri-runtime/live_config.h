#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cri-runtime/config.h"

namespace trivet::cri {

/// The configuration as it is now: a reload replaces it while calls run. Any thread.
///
/// `live->pids_limit` reads one value; whoever walks through a list holds Get() in a variable.
class LiveConfig {
 public:
  explicit LiveConfig(Config config) : now_(std::make_shared<const Config>(std::move(config))) {}

  [[nodiscard]] std::shared_ptr<const Config> Get() const {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  std::shared_ptr<const Config> operator->() const { return Get(); }

  /// Takes from `next` what can change while pods run; the keys that differ and need a restart.
  std::vector<std::string> Replace(const Config& next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Config> now_;
};

/// Whether a reload takes the key.
bool IsLiveKey(std::string_view key);

}  // namespace trivet::cri
