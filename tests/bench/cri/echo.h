#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "tests/bench/shim/samples.h"

namespace trivet::bench {

/// Gives all threads of this process, gRPC's and those that they make later, the lowest real-time
/// priority, SCHED_RR. Errors: kPermissionDenied without CAP_SYS_NICE.
Result<> BeRealTime();

/// Sends a byte to another thread and back, up to five hundred times a second, until it is
/// destroyed: what no answer of any program can be faster than meanwhile. Made by a thread of
/// real-time priority it waits for nothing but the kernel and its locks.
class Echo {
 public:
  using OnAnswer = std::function<void(Samples::Clock::duration)>;

  /// `on_answer` is called in a thread of its own.
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
