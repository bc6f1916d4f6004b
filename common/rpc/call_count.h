#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "common/linux/inheriting_mutex.h"

namespace trivet::rpc {

/// What became of a method's calls.
struct MethodCalls {
  static constexpr std::array<double, 12> kBucketSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                         0.1,   0.25,   0.5,   1,    5,     30};
  uint64_t count = 0;
  double seconds = 0;
  std::map<int, uint64_t> by_code;                        // a grpc::StatusCode
  std::array<uint64_t, kBucketSeconds.size()> buckets{};  // each without those before it
};

/// How many calls run now, and how those that ended did. Any thread.
class CallCount {
 public:
  void Begin();
  void End(std::string_view method, int code, std::chrono::duration<double> took);

  /// Waits for a moment without a call, at most for `patience`.
  void AwaitNone(std::chrono::milliseconds patience);

  /// By the method's name, "RunPodSandbox".
  [[nodiscard]] std::map<std::string, MethodCalls> Calls() const;

 private:
  mutable InheritingMutex mutex_;  // threads that work count, too
  std::condition_variable_any none_;
  int running_ = 0;
  std::map<std::string, MethodCalls> calls_;
};

/// The unary calls that this process answers, from when gRPC calls us to when we return. By an
/// interceptor of gRPC's each call would take some 20 µs more, and the answer another thread.
CallCount& ProcessCalls();

/// One of them, for its lifetime.
class CountedCall {
 public:
  /// `method` must outlive it.
  explicit CountedCall(std::string_view method);
  ~CountedCall();
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;

  void set_code(int code) { code_ = code; }

 private:
  using Clock = std::chrono::steady_clock;
  std::string_view method_;
  int code_ = 0;  // a grpc::StatusCode
  Clock::time_point began_ = Clock::now();
};

}  // namespace trivet::rpc
