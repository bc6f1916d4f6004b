#include "common/rpc/call_count.h"

#include <algorithm>

namespace trivet::rpc {

void CallCount::Begin() {
  const std::scoped_lock lock(mutex_);
  ++running_;
}

void CallCount::End(std::string_view method, int code, std::chrono::duration<double> took) {
  const std::scoped_lock lock(mutex_);
  MethodCalls& calls = calls_[std::string(method)];
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

CallCount& ProcessCalls() {
  static CallCount calls;
  return calls;
}

CountedCall::CountedCall(std::string_view method) : method_(method) {
  ProcessCalls().Begin();
}

CountedCall::~CountedCall() {
  ProcessCalls().End(method_, code_, Clock::now() - began_);
}

}  // namespace trivet::rpc
