#include "common/rpc/call_count.h"

#include <algorithm>
#include <string_view>

namespace trivet::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// gRPC makes one per call and drops it with the call.
class CountedCall final : public Interceptor {
 public:
  CountedCall(std::shared_ptr<CallCount> calls, std::string method)
      : calls_(std::move(calls)), method_(std::move(method)) {
    calls_->Begin();
  }
  CountedCall(const CountedCall&) = delete;
  CountedCall& operator=(const CountedCall&) = delete;
  ~CountedCall() override { calls_->End(method_, code_, Clock::now() - began_); }
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      code_ = methods->GetSendStatus().error_code();
    }
    methods->Proceed();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::shared_ptr<CallCount> calls_;
  std::string method_;
  int code_ = grpc::StatusCode::CANCELLED;  // until an answer is sent
  Clock::time_point began_ = Clock::now();
};

class Creator final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Creator(std::shared_ptr<CallCount> calls) : calls_(std::move(calls)) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (info->type() != ServerRpcInfo::Type::UNARY) return nullptr;
    const std::string_view path(info->method());  // "/runtime.v1.RuntimeService/Version"
    return new CountedCall(calls_, std::string(path.substr(path.rfind('/') + 1)));
  }

 private:
  std::shared_ptr<CallCount> calls_;
};

}  // namespace

void CallCount::Begin() {
  const std::scoped_lock lock(mutex_);
  ++running_;
}

void CallCount::End(const std::string& method, int code, std::chrono::duration<double> took) {
  const std::scoped_lock lock(mutex_);
  MethodCalls& calls = calls_[method];
  ++calls.count;
  ++calls.by_code[code];
  calls.seconds += took.count();
  const auto& bounds = MethodCalls::kBucketSeconds;
  const auto bucket = std::ranges::lower_bound(bounds, took.count()) - bounds.begin();
  if (bucket < std::ssize(bounds)) ++calls.buckets[static_cast<size_t>(bucket)];
  if (--running_ == 0) none_.notify_all();
}

void CallCount::AwaitNone(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  none_.wait_for(lock, patience, [this] { return running_ == 0; });
}

std::map<std::string, MethodCalls> CallCount::Calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

InterceptorCreators CountCalls(const std::shared_ptr<CallCount>& calls) {
  InterceptorCreators creators;
  creators.push_back(std::make_unique<Creator>(calls));
  return creators;
}

}  // namespace trivet::rpc
