#include "tests/testing/call_log.h"

#include <utility>

namespace trivet::testing {

grpc::Status CallLog::Note(const std::string& method, const std::string& about) {
  const std::lock_guard lock(mutex_);
  const auto failure = failures_.extract(method);
  calls_.push_back(about.empty() ? method : method + " " + about);
  if (failure.empty()) return grpc::Status::OK;
  calls_.back() += " fails";
  return {grpc::StatusCode::INTERNAL, failure.mapped()};
}

void CallLog::FailNext(const std::string& method, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  failures_[method] = reason;
}

std::vector<std::string> CallLog::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(calls_, {});
}

}  // namespace trivet::testing
