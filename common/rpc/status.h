#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string_view>

#include "common/base/error.h"

namespace trivet::rpc {

/// The same code and text on the wire.
grpc::Status ToStatus(const Error& error);
/// The other way, for clients; `status` must not be OK.
Error FromStatus(const grpc::Status& status);

/// One line per failed call; a caller's own mistakes are not warnings.
void LogFailure(std::string_view method, const Error& error);

/// Runs a handler's body. The one place where a handler's failure is logged and
/// mapped, and where an exception stops.
template <class Body>
grpc::Status Handle(std::string_view method, Body body) {
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

}  // namespace trivet::rpc
