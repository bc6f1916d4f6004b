#pragma once

#include <string_view>
#include <utility>

#include "common/linux/scheduling.h"
#include "common/rpc/status.h"

namespace trivet::cri {

/// As rpc::Handle, for a call that works or starts programs in its own thread. The threads that
/// gRPC calls us in are urgent, for the sake of the lists and statuses of many pods: those, and
/// calls that wait for another thread's work, are handled as they come.
template <class Body>
grpc::Status HandleWork(std::string_view method, Body body) {
  const OrdinaryWhile ordinary;
  return rpc::Handle(method, std::move(body));
}

/// As rpc::HandleStream, likewise.
template <class Body>
grpc::Status HandleStreamWork(std::string_view method, Body body) {
  const OrdinaryWhile ordinary;
  return rpc::HandleStream(method, std::move(body));
}

}  // namespace trivet::cri
