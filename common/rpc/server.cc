#include "common/rpc/server.h"

#include <absl/synchronization/mutex.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>

#include "common/linux/file.h"
#include "common/rpc/call_count.h"

namespace trivet::rpc {

sigset_t BlockStopSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

namespace {

// By default there are two threads a core that wait for calls: any more calls at a time than that
// make and end a thread each, and all others wait for locks of the C library meanwhile. Those that
// nothing came for in ten seconds end. One queue, so that whoever waits takes the next call.
void KeepThreads(grpc::ServerBuilder& builder) {
  constexpr int kWaiting = 64;
  using Option = grpc::ServerBuilder::SyncServerOption;
  builder.SetSyncServerOption(Option::NUM_CQS, 1);
  builder.SetSyncServerOption(Option::MAX_POLLERS, kWaiting);
}

// Debian's Abseil is built to look for deadlocks: at each lock and unlock of gRPC's it keeps a
// graph of all of them, which has one lock for the process.
void LeaveLocksAlone() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

void Prepare(grpc::ServerBuilder& builder, const std::string& address,
             const std::shared_ptr<grpc::ServerCredentials>& credentials,
             const std::vector<grpc::Service*>& services) {
  LeaveLocksAlone();
  constexpr int kMillisBetweenPings = 5000;  // a client may ask that often whether we are there
  builder.AddListeningPort(address, credentials);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // an address is one server's
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMillisBetweenPings);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // a ping beside each request
  builder.SetMaxReceiveMessageSize(Server::kMaxMessageBytes);
  builder.SetMaxSendMessageSize(Server::kMaxMessageBytes);
  KeepThreads(builder);
  for (grpc::Service* service : services) builder.RegisterService(service);
}

}  // namespace

Result<Server> Server::Start(const std::filesystem::path& socket,
                             const std::vector<grpc::Service*>& services, const AwaitAll& await) {
  if (socket.native().size() >= sizeof(sockaddr_un{}.sun_path)) {
    return Fail(Code::kInvalidArgument, "socket {}: longer than a unix socket path may be",
                socket.native());
  }
  RETURN_IF_ERROR(EnsureDirectory(socket.parent_path()), "socket folder");
  // The folder is ours alone, so that nobody connects between bind and chmod.
  grpc::ServerBuilder builder;
  Prepare(builder, "unix:" + socket.native(), grpc::InsecureServerCredentials(), services);
  auto calls = await ? std::make_unique<CallQueue>(builder) : nullptr;
  Server server(builder.BuildAndStart());
  server.calls_ = std::move(calls);
  if (server.server_ == nullptr) {
    return Fail(Code::kUnavailable, "cannot listen on {}", socket.native());
  }
  if (await) {
    await(*server.calls_);
    server.calls_->Begin();
  }
  if (::chmod(socket.c_str(), 0600) != 0) return FailErrno("chmod {}", socket.native());
  return server;
}

Result<Server> Server::Start(const std::string& address,
                             const std::shared_ptr<grpc::ServerCredentials>& credentials,
                             const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  Prepare(builder, address, credentials, services);
  auto server = builder.BuildAndStart();
  if (server == nullptr) return Fail(Code::kUnavailable, "cannot listen on {}", address);
  return Server(std::move(server));
}

// gRPC's own deadline waits for clients that are merely connected; calls are waited for here.
void Server::Stop(std::chrono::milliseconds grace) {
  constexpr auto kLastBytes = std::chrono::milliseconds(250);  // of answers given just now
  ProcessCalls().AwaitNone(grace);
  server_->Shutdown(std::chrono::system_clock::now() + kLastBytes);
  server_->Wait();
  calls_.reset();
}

}  // namespace trivet::rpc
