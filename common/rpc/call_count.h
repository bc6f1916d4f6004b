#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

/// How many calls run now, and how those that ended did. Streams that last as long as their client
/// are not counted: they are cut at the end. Any thread.
class CallCount {
 public:
  void Begin();
  void End(const std::string& method, int code, std::chrono::duration<double> took);

  /// Waits for a moment without a call, at most for `patience`.
  void AwaitNone(std::chrono::milliseconds patience);

  /// By the method's name, "RunPodSandbox".
  [[nodiscard]] std::map<std::string, MethodCalls> Calls() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable none_;
  int running_ = 0;
  std::map<std::string, MethodCalls> calls_;
};

using InterceptorCreators =
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;

/// For the server builder: what counts each call from its arrival to the last byte of its answer.
InterceptorCreators CountCalls(const std::shared_ptr<CallCount>& calls);

}  // namespace trivet::rpc
