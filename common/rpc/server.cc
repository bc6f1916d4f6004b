#include "common/rpc/server.h"

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

Result<Server> Server::Start(const std::filesystem::path& socket,
                             const std::vector<grpc::Service*>& services) {
  if (socket.native().size() >= sizeof(sockaddr_un{}.sun_path)) {
    return Fail(Code::kInvalidArgument, "socket {}: longer than a unix socket path may be",
                socket.native());
  }
  RETURN_IF_ERROR(EnsureDirectory(socket.parent_path()), "socket folder");

  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket.native(), grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto calls = std::make_shared<CallCount>();
  builder.experimental().SetInterceptorCreators(CountCalls(calls));
  // The folder is ours alone, so that nobody connects between bind and chmod.
  auto server = builder.BuildAndStart();
  if (server == nullptr) return Fail(Code::kUnavailable, "cannot listen on {}", socket.native());
  if (::chmod(socket.c_str(), 0600) != 0) return FailErrno("chmod {}", socket.native());
  return Server(std::move(server), std::move(calls));
}

// gRPC's own deadline waits for clients that are merely connected; calls are waited for here.
void Server::Stop(std::chrono::milliseconds grace) {
  constexpr auto kLastBytes = std::chrono::milliseconds(50);  // of answers given just now
  calls_->AwaitNone(grace);
  server_->Shutdown(std::chrono::system_clock::now() + kLastBytes);
  server_->Wait();
}

}  // namespace trivet::rpc
