#pragma once

#include <pthread.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "tests/bench/shim/samples.h"

namespace trivet::bench {

/// Gives a thread the lowest real-time priority, SCHED_RR. Errors: kPermissionDenied without
/// CAP_SYS_NICE.
Result<> BeRealTime(pthread_t thread);

/// Sends a byte to another thread and back, two thousand times a second or as often as the machine
/// allows, until it is destroyed: what no answer of any program can be faster than meanwhile. Both
/// threads have real-time priority: they wait for nothing but the kernel and its locks.
class Echo {
 public:
  using OnAnswer = std::function<void(Samples::Clock::duration)>;

  /// `on_answer` is called in a thread of its own. Errors: as BeRealTime.
  static Result<std::unique_ptr<Echo>> Start(OnAnswer on_answer);
  ~Echo();
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

 private:
  Echo(UniqueFd near, UniqueFd far, OnAnswer on_answer);

  UniqueFd near_;
  UniqueFd far_;
  std::atomic<bool> over_ = false;
  std::thread answers_;
  std::thread asks_;
};

}  // namespace trivet::bench
