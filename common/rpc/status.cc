#include "common/rpc/status.h"

#include <spdlog/spdlog.h>

namespace trivet::rpc {

grpc::Status ToStatus(const Error& error) {
  return {static_cast<grpc::StatusCode>(error.code()), error.message()};
}

Error FromStatus(const grpc::Status& status) {
  const int code = status.error_code();
  const bool known =
      code >= static_cast<int>(Code::kCancelled) && code <= static_cast<int>(Code::kDataLoss);
  return {known ? static_cast<Code>(code) : Code::kUnknown, status.error_message()};
}

void LogFailure(std::string_view method, const Error& error) {
  const bool callers_mistake = error.code() == Code::kInvalidArgument ||
                               error.code() == Code::kNotFound ||
                               error.code() == Code::kAlreadyExists;
  spdlog::log(callers_mistake ? spdlog::level::info : spdlog::level::warn,
              "failed method={} code={} error=\"{}\"", method, static_cast<int>(error.code()),
              error.message());
}

}  // namespace trivet::rpc
