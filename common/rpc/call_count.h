#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace trivet::rpc {

/// How many calls run now. Streams that last as long as their client are not counted: they are cut
/// at the end. Any thread.
class CallCount {
 public:
  void Begin();
  void End();

  /// Waits for a moment without a call, at most for `patience`.
  void AwaitNone(std::chrono::milliseconds patience);

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int running_ = 0;
};

using InterceptorCreators =
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>;

/// For the server builder: what counts each call from its arrival to the last byte of its answer.
InterceptorCreators CountCalls(const std::shared_ptr<CallCount>& calls);

}  // namespace trivet::rpc
