#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/rpc/status.h"

namespace trivet::ctl {

/// The kubelet's runtimeRequestTimeout; what may take longer says so.
constexpr auto kCallTimeout = std::chrono::minutes(2);

/// For the first call: a server that does not even say its version does not work.
constexpr auto kHelloTimeout = std::chrono::seconds(10);

/// A channel to a unix socket. Connecting happens with the first call.
std::shared_ptr<grpc::Channel> OpenChannel(const std::filesystem::path& socket);

/// Calls one method: `Call(stub, &Stub::Version, request)`.
/// Errors: the server's own; kUnavailable when nobody serves the socket.
template <class Stub, class Request, class Response>
Result<Response> Call(Stub& stub,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      const Request& request, std::chrono::milliseconds timeout = kCallTimeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return std::unexpected(rpc::FromStatus(status));
  return response;
}

}  // namespace trivet::ctl
