#include "netpolicy/service/policy_server.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "common/linux/file.h"
#include "proto/trivet/wire.h"

namespace trivet::netpolicy {
namespace {

constexpr int kBacklog = 512;  // a node's pods, all starting at once

policy::Answer Refusal(const Error& error) {
  return {.code = static_cast<int32_t>(error.code()), .message = error.message()};
}

Result<sockaddr_un> AddressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.native().size() >= sizeof address.sun_path) {
    return Fail(Code::kInvalidArgument,
                "socket {}: empty, or longer than a unix socket path may be", path.native());
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

// The caller holds the lock of the state folder, so nobody serves the socket that is there.
Result<> RemoveStale(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return Fail(Code::kAlreadyExists, "socket {}: something else has this name", path.native());
  }
  return RemoveFile(path);
}

// The mode is set before the name appears, so that nobody else can connect in between.
Result<UniqueFd> Bind(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return FailErrno("open unix socket");
  if (::fchmod(listener.get(), 0600) != 0) return FailErrno("chmod socket {}", path.native());
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FailErrno("bind socket {}", path.native());
  }
  if (::listen(listener.get(), kBacklog) != 0) return FailErrno("listen on {}", path.native());
  return listener;
}

Result<> Watch(const UniqueFd& events, int fd, void* who) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = who;
  if (::epoll_ctl(events.get(), EPOLL_CTL_ADD, fd, &event) != 0) return FailErrno("watch socket");
  return {};
}

// A small packet into an empty socket: it fits, or the client is gone.
void Send(const UniqueFd& socket, const policy::Answer& answer) {
  const std::string packet = wire::Encode(answer);
  ::send(socket.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Result<PolicyServer> PolicyServer::Listen(const std::filesystem::path& socket, Handler handler) {
  RETURN_IF_ERROR(EnsureDirectory(socket.parent_path()), "socket folder");
  RETURN_IF_ERROR(RemoveStale(socket));
  ASSIGN_OR_RETURN(UniqueFd listener, Bind(socket));
  UniqueFd events(::epoll_create1(EPOLL_CLOEXEC));
  if (!events.valid()) return FailErrno("create epoll");
  RETURN_IF_ERROR(Watch(events, listener.get(), nullptr));
  return PolicyServer(socket, std::move(handler), std::move(listener), std::move(events));
}

PolicyServer::~PolicyServer() {
  if (listener_.valid()) ::unlink(path_.c_str());
}

Result<> PolicyServer::ServeReady() {
  RETURN_IF_ERROR(AcceptAll());
  return ServeClients();
}

Result<> PolicyServer::ServeClients() {
  std::array<epoll_event, kMaxSilentClients + 1> ready{};
  const int count = ::epoll_wait(events_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  if (count < 0 && errno != EINTR) return FailErrno("wait for clients");
  for (int i = 0; i < count; ++i) {
    const auto* which = static_cast<const Client*>(ready[static_cast<size_t>(i)].data.ptr);
    if (which == nullptr || !Serve(*which)) continue;
    clients_.remove_if([&](const Client& client) { return &client == which; });
  }
  return {};
}

Result<> PolicyServer::AcceptAll() {
  for (;;) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid() && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (!socket.valid() && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!socket.valid()) return FailErrno("accept client");
    RETURN_IF_ERROR(Register(std::move(socket)));
  }
}

Result<> PolicyServer::Register(UniqueFd socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    return FailErrno("read the client's credentials");
  }
  if (clients_.size() == kMaxSilentClients) RETURN_IF_ERROR(ServeClients());
  if (clients_.size() == kMaxSilentClients) {
    spdlog::warn("closing a client that says nothing clients={}", clients_.size());
    clients_.pop_front();
  }
  Client& client = clients_.emplace_back(Client{std::move(socket), peer.uid});
  return Watch(events_, client.socket.get(), &client);
}

bool PolicyServer::Serve(const Client& client) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(policy::kMaxPacketBytes);
  // MSG_TRUNC: the answer is the packet's size even when that is more than the buffer.
  const ssize_t size =
      ::recv(client.socket.get(), buffer.get(), policy::kMaxPacketBytes, MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size > 0) Send(client.socket, AnswerTo(client, buffer.get(), static_cast<size_t>(size)));
  return true;
}

policy::Answer PolicyServer::AnswerTo(const Client& client, const char* packet, size_t size_bytes) {
  if (client.uid != 0 && client.uid != ::geteuid()) {
    spdlog::warn("refusing a client uid={}", client.uid);
    return Refusal(Error(Code::kPermissionDenied, "only root may ask the policy agent"));
  }
  if (size_bytes > policy::kMaxPacketBytes) {
    return Refusal(Error(
        Code::kInvalidArgument,
        fmt::format("request of {} bytes is larger than {}", size_bytes, policy::kMaxPacketBytes)));
  }
  auto request = wire::Decode<policy::Request>({packet, size_bytes});
  if (!request) return Refusal(std::move(request.error()).Wrap("request"));
  return handler_(*request);
}

}  // namespace trivet::netpolicy
