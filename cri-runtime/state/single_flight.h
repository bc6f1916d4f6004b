#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linux/processors.h"
#include "common/linux/worker_threads.h"

namespace trivet::state {

/// What a call is doing now, for those who wait for it. Any thread.
class Progress {
 public:
  void Enter(std::string step) {
    const std::scoped_lock lock(mutex_);
    step_ = std::move(step);
    since_ = std::chrono::steady_clock::now();
  }
  /// "network for 12.3 s"
  [[nodiscard]] std::string Describe() const {
    const std::scoped_lock lock(mutex_);
    const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - since_;
    return fmt::format("{} for {:.1f} s", step_, lasted.count());
  }

 private:
  mutable std::mutex mutex_;
  std::string step_ = "start";
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// Calls with the same key run once: a retry of a call that is still running
/// waits for it and gets its result. Any thread.
template <class T>
class SingleFlight {
 public:
  using Work = std::function<Result<T>(Progress&)>;
  using Deadline = std::chrono::system_clock::time_point;

  SingleFlight() = default;
  /// Waits for what runs.
  ~SingleFlight() { AwaitNone(); }
  SingleFlight(const SingleFlight&) = delete;
  SingleFlight& operator=(const SingleFlight&) = delete;

  /// Waits until nothing runs.
  void AwaitNone() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [&] { return calls_.empty() && threads_ == 0; });
  }

  /// In the caller's thread, for work that nobody gives up on.
  Result<T> Do(const std::string& key, const std::function<Result<T>()>& work) {
    const auto [call, is_new] = Join(key);
    if (is_new) Finish(key, *call, [&](Progress& /*progress*/) { return work(); });
    return Await(key, *call, Deadline::max());
  }

  /// In another thread, which goes on when the caller gives up.
  /// Errors: the work's; kDeadlineExceeded at `deadline`, naming the step that is slow: the next
  /// call with the key joins.
  Result<T> DoUntil(const std::string& key, Deadline deadline, const Work& work) {
    const auto [call, is_new] = Join(key);
    if (is_new) {
      {
        const std::scoped_lock lock(mutex_);
        ++threads_;
      }
      RunAside([this, key, call = call, work] {
        Finish(key, *call, work);
        const std::scoped_lock lock(mutex_);
        --threads_;
        none_.notify_all();
      });
    }
    return Await(key, *call, deadline);
  }

  /// Each key that runs, with its step.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Running() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::pair<std::string, std::string>> running;
    for (const auto& [key, call] : calls_) running.emplace_back(key, call->progress.Describe());
    return running;
  }

 private:
  struct Call {
    std::optional<Result<T>> result;
    std::condition_variable ended;  // each its own: an end wakes those who wait for it
    int waiting = 0;                // threads
    pid_t waiter = 0;               // the last that came, while it waits
    Sent sent;
    Progress progress;
  };

  // Under the lock.
  class Waiting {
   public:
    explicit Waiting(Call& call) : call_(call) {
      ++call_.waiting;
      call_.waiter = ::gettid();
    }
    ~Waiting() {
      --call_.waiting;
      if (call_.waiter != ::gettid()) return;
      call_.waiter = 0;
      call_.sent.End();
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Call& call_;
  };

  std::pair<std::shared_ptr<Call>, bool> Join(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    auto& call = calls_[key];
    if (call != nullptr) return {call, false};
    call = std::make_shared<Call>();
    return {call, true};
  }

  void Finish(const std::string& key, Call& call, const Work& work) {
    Result<T> result = Guarded(work, call.progress);
    {
      const std::scoped_lock lock(mutex_);
      call.result = std::move(result);
      // Whoever waits goes on here, where this thread has next to nothing left to do.
      if (call.waiting == 1 && call.waiter != 0 && calls_.size() == 1)
        call.sent = SendHere(call.waiter);
      calls_.erase(key);
      none_.notify_all();
    }
    call.ended.notify_all();  // the caller holds it; whoever wakes needs the lock
  }

  Result<T> Await(const std::string& key, Call& call, Deadline deadline) {
    // Before the caller's own deadline, so that the answer is ours: on a node that is busy it takes
    // a while to get there.
    constexpr std::chrono::system_clock::duration kLongestMargin = std::chrono::seconds(1);
    const auto margin = std::min(kLongestMargin, (deadline - std::chrono::system_clock::now()) / 4);
    std::unique_lock lock(mutex_);
    if (call.result) return *call.result;  // whoever is sent somewhere has waited
    const auto has_ended = [&] { return call.result.has_value(); };
    const Waiting waiting(call);
    if (deadline == Deadline::max()) {
      call.ended.wait(lock, has_ended);
    } else if (!call.ended.wait_until(lock, deadline - margin, has_ended)) {
      return Fail(Code::kDeadlineExceeded, "{} still runs: {}", key, call.progress.Describe());
    }
    return *call.result;
  }

  // An exception must not leave a call behind that never ends.
  static Result<T> Guarded(const Work& work, Progress& progress) {
    try {
      return work(progress);
    } catch (const std::exception& e) {
      return Fail(Code::kInternal, "exception: {}", e.what());
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable none_;
  std::map<std::string, std::shared_ptr<Call>> calls_;
  int threads_ = 0;
};

}  // namespace trivet::state
