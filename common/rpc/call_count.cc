#include "common/rpc/call_count.h"

namespace trivet::rpc {
namespace {

using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// gRPC makes one per call and drops it with the call.
class CountedCall final : public Interceptor {
 public:
  explicit CountedCall(std::shared_ptr<CallCount> calls) : calls_(std::move(calls)) {
    calls_->Begin();
  }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;
  ~CountedCall() override { calls_->End(); }
  void Intercept(InterceptorBatchMethods* methods) override { methods->Proceed(); }

 private:
  std::shared_ptr<CallCount> calls_;
};

class Creator final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Creator(std::shared_ptr<CallCount> calls) : calls_(std::move(calls)) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (info->type() != ServerRpcInfo::Type::UNARY) return nullptr;
    return new CountedCall(calls_);
  }

 private:
  std::shared_ptr<CallCount> calls_;
};

}  // namespace

void CallCount::Begin() {
  const std::scoped_lock lock(mutex_);
  ++running_;
}

void CallCount::End() {
  const std::scoped_lock lock(mutex_);
  if (--running_ == 0) none_.notify_all();
}

void CallCount::AwaitNone(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  none_.wait_for(lock, patience, [this] { return running_ == 0; });
}

InterceptorCreators CountCalls(const std::shared_ptr<CallCount>& calls) {
  InterceptorCreators creators;
  creators.push_back(std::make_unique<Creator>(calls));
  return creators;
}

}  // namespace trivet::rpc
