#pragma once

#include <grpcpp/support/status.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace trivet::testing {

/// What fake servers were asked to do, in order, and which of it is to fail. Any thread.
class CallLog {
 public:
  /// Notes "StartContainer httpd", and gives the failure that was ordered for the method.
  grpc::Status Note(const std::string& method, const std::string& about);

  /// The next call of `method` fails and does nothing.
  void FailNext(const std::string& method, const std::string& reason);

  /// What was noted since the last Take.
  std::vector<std::string> Take();

 private:
  std::mutex mutex_;
  std::vector<std::string> calls_;
  std::map<std::string, std::string> failures_;
};

}  // namespace trivet::testing
