#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/rpc/call_count.h"

namespace trivet::rpc {

/// The same code and text on the wire.
grpc::Status ToStatus(const Error& error);
/// The other way, for clients; `status` must not be OK.
Error FromStatus(const grpc::Status& status);

/// One line per failed call; a caller's own mistakes are not warnings.
void LogFailure(std::string_view method, const Error& error);

/// Runs the body of a stream's handler, which may last as long as its client. The one place where a
/// handler's failure is logged and mapped, and where an exception stops.
template <class Body>
grpc::Status HandleStream(std::string_view method, Body body) {
  Result<> result;
  try {
    result = body();
  } catch (const std::exception& e) {
    result = Fail(Code::kInternal, "exception: {}", e.what());
  }
  if (result) return grpc::Status::OK;
  LogFailure(method, result.error());
  return ToStatus(result.error());
}

/// The same for a unary call, which is counted.
template <class Body>
grpc::Status Handle(std::string_view method, Body body) {
  CountedCall call(method);
  grpc::Status status = HandleStream(method, std::move(body));
  call.set_code(status.error_code());
  return status;
}

}  // namespace trivet::rpc
