#pragma once

#include <string_view>
#include <utility>

#include "common/linux/scheduling.h"
#include "common/rpc/status.h"

namespace trivet::cri {

/// As rpc::HandleStream, for a call that works or starts programs in its own thread. The threads
/// that gRPC calls us in are urgent, for the sake of the lists and statuses of many pods: those,
/// and calls that wait for another thread's work, are handled as they come.
template <class Body>
grpc::Status HandleStreamWork(std::string_view method, Body body) {
  const OrdinaryWhile ordinary;
  return rpc::HandleStream(method, std::move(body));
}

/// As rpc::Handle, likewise. It is counted by the urgent thread, as all others are: whoever has the
/// count's lock and is not let run holds up every call.
template <class Body>
grpc::Status HandleWork(std::string_view method, Body body) {
  rpc::CountedCall call(method);
  grpc::Status status = HandleStreamWork(method, std::move(body));
  call.set_code(status.error_code());
  return status;
}

}  // namespace trivet::cri
