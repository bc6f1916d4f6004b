#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/rpc/call_queue.h"

namespace trivet::rpc {

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and all it starts later, and
/// ignores SIGPIPE. Call before the first thread exists; then sigwait() on the result.
sigset_t BlockStopSignals();

/// A gRPC server on a unix socket (mode 0600, a stale file is replaced). The
/// services are borrowed and must outlive it.
class Server {
 public:
  /// The CRI's and CSI's clients allow messages of 16 MiB.
  static constexpr int kMaxMessageBytes = 16 << 20;

  /// Has calls answered by the queue's thread (AwaitCalls): called once, when there is a server.
  using AwaitAll = std::function<void(CallQueue&)>;

  /// With `await`, all methods that it does not name are answered as without it.
  static Result<Server> Start(const std::filesystem::path& socket,
                              const std::vector<grpc::Service*>& services,
                              const AwaitAll& await = {});

  /// For clients on other machines, at `address` (HOST:PORT). Errors: kUnavailable when nobody can
  /// listen there.
  static Result<Server> Start(const std::string& address,
                              const std::shared_ptr<grpc::ServerCredentials>& credentials,
                              const std::vector<grpc::Service*>& services);

  Server(Server&&) = default;
  Server& operator=(Server&&) = default;

  /// Refuses new calls, lets those of the process that run finish for `grace`, then cancels them:
  /// an answer that was given is sent within a quarter of a second, or not. A
  /// client that is connected and asks nothing is not waited for.
  void Stop(std::chrono::milliseconds grace);

 private:
  explicit Server(std::unique_ptr<grpc::Server> server) : server_(std::move(server)) {}
  std::unique_ptr<CallQueue> calls_;  // goes last
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace trivet::rpc
