#include "shim/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "common/base/log.h"
#include "common/linux/socket_address.h"

namespace trivet::shim {
namespace {

Result<UniqueFd> ListenAt(const std::filesystem::path& path) {
  constexpr int kBacklog = 16;
  constexpr mode_t kOwnerOnly = 0177;
  ASSIGN_OR_RETURN(const SocketAddress address, SocketAddress::Of(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return FailErrno("socket");
  const mode_t umask = ::umask(kOwnerOnly);
  const int bound = ::bind(socket.get(), address.get(), SocketAddress::size());
  ::umask(umask);
  if (bound != 0) return FailErrno("bind {}", path.native());
  if (::listen(socket.get(), kBacklog) != 0) return FailErrno("listen on {}", path.native());
  return socket;
}

bool IsSameUser(const UniqueFd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

Header HeaderOf(const Error& error, const Server::Address& to) {
  constexpr size_t kMostMessageBytes = 2048;  // so that a header stays small
  return {.version = VersionOf(to.minor),
          .serial = to.serial,
          .verb = to.verb,
          .code = static_cast<int32_t>(error.code()),
          .sys_errno = error.sys_errno(),
          .message = error.message().substr(0, kMostMessageBytes)};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Listen(EventLoop& loop, const std::filesystem::path& socket,
                                               OnRequest on_request) {
  ASSIGN_OR_RETURN(UniqueFd listening, ListenAt(socket));
  std::unique_ptr<Server> server(new Server(loop, std::move(listening), std::move(on_request)));
  Server* self = server.get();
  RETURN_IF_ERROR(self->Watch());
  return server;
}

Result<> Server::Watch() {
  return loop_.Add(socket_.get(), [this] { Accept(); });
}

void Server::Accept() {
  UniqueFd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return AcceptLater(errno);
  if (!IsSameUser(socket)) return;
  const uint64_t id = ++last_id_;
  if (!loop_.Add(socket.get(), [this, id] { Read(id); })) return;
  connections_[id].socket = std::move(socket);
}

// Who connects waits, and would be reported again and again, while there is no room for one more.
void Server::AcceptLater(int reason) {
  constexpr auto kPause = std::chrono::milliseconds(100);
  if (reason != EMFILE && reason != ENFILE && reason != ENOBUFS && reason != ENOMEM) return;
  loop_.Remove(socket_.get());
  loop_.AddTimer(kPause, [this] {
    if (!Watch()) AcceptLater(ENOMEM);
  });
}

void Server::Read(uint64_t id) {
  auto packet = ReceivePacket(connections_.at(id).socket.get());
  if (packet) {
    const Address from{id, packet->header.serial, packet->header.verb,
                       MinorOf(packet->header.version)};
    if (packet->lost_fds) {
      return Answer(from, Fail(Code::kResourceExhausted,
                               "take the request's descriptors: too many files are open"));
    }
    return on_request_(from, std::move(*packet));
  }
  if (packet.error().code() == Code::kAborted) return;
  if (packet.error().code() != Code::kUnavailable) {
    WriteLogLine(LogLevel::kError, "trivet-shim", packet.error().message());
  }
  if (packet.error().code() == Code::kFailedPrecondition) {  // the last word says the own version
    Answer({.connection = id}, std::unexpected(packet.error()));
  }
  Drop(id);
}

void Server::Answer(const Address& to, const Result<std::string>& body) {
  const auto connection = connections_.find(to.connection);
  if (connection == connections_.end()) return;
  const Header header =
      body ? Header{.version = VersionOf(to.minor), .serial = to.serial, .verb = to.verb}
           : HeaderOf(body.error(), to);
  if (!SendPacket(connection->second.socket.get(), header, body ? *body : "")) {
    Drop(to.connection);
  }
}

void Server::Subscribe(const Address& to) {
  const auto connection = connections_.find(to.connection);
  if (connection == connections_.end()) return;
  connection->second.subscribed = true;
  connection->second.minor = to.minor;
}

void Server::SendEvents(Verb verb, const std::function<std::string(uint16_t minor)>& encode) {
  std::vector<uint64_t> stuck;
  for (const auto& [id, connection] : connections_) {
    if (!connection.subscribed) continue;
    const Header header{.version = VersionOf(connection.minor), .verb = verb};
    const std::string body = encode(connection.minor);
    if (!SendPacket(connection.socket.get(), header, body)) stuck.push_back(id);
  }
  for (const uint64_t id : stuck) Drop(id);
}

void Server::Drop(uint64_t id) {
  const auto connection = connections_.find(id);
  if (connection == connections_.end()) return;
  loop_.Remove(connection->second.socket.get());
  connections_.erase(connection);
}

}  // namespace trivet::shim
