#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/error.h"

namespace trivet::state {

/// Calls with the same key run once: a retry of a call that is still running
/// waits for it and gets its result. Any thread.
template <class T>
class SingleFlight {
 public:
  Result<T> Do(const std::string& key, const std::function<Result<T>()>& work) {
    std::shared_ptr<Call> call;
    {
      std::unique_lock lock(mutex_);
      if (const auto running = calls_.find(key); running != calls_.end()) {
        call = running->second;
        ended_.wait(lock, [&] { return call->result.has_value(); });
        return *call->result;
      }
      call = calls_[key] = std::make_shared<Call>();
    }
    Result<T> result = Guarded(work);
    const std::scoped_lock lock(mutex_);
    call->result = result;
    calls_.erase(key);
    ended_.notify_all();
    return result;
  }

 private:
  struct Call {
    std::optional<Result<T>> result;
  };
  // An exception must not leave a call behind that never ends.
  static Result<T> Guarded(const std::function<Result<T>()>& work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return Fail(Code::kInternal, "exception: {}", e.what());
    }
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Call>> calls_;
};

}  // namespace trivet::state
