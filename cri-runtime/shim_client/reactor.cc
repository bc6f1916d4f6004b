#include "cri-runtime/shim_client/reactor.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "cri-runtime/shim_client/socket.h"

namespace trivet::cri {
Result<std::unique_ptr<ShimReactor>> ShimReactor::Start(ShimEvents events) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return FailErrno("epoll_create");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake.valid()) return FailErrno("eventfd");
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake.get()}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return FailErrno("epoll_ctl");
  }
  std::unique_ptr<ShimReactor> reactor(
      new ShimReactor(std::move(events), std::move(epoll), std::move(wake)));
  reactor->thread_ = std::thread([self = reactor.get()] { self->Loop(); });
  return reactor;
}

ShimReactor::~ShimReactor() {
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) != sizeof one) std::abort();  // it cannot be full
  thread_.join();
}

Result<std::shared_ptr<ShimConnection>> ShimReactor::Connect(const std::string& sandbox_id,
                                                             const std::filesystem::path& socket) {
  ASSIGN_OR_RETURN(UniqueFd fd, ConnectToShim(socket));
  auto connection = std::make_shared<ShimConnection>(sandbox_id, std::move(fd), socket);
  const std::scoped_lock lock(mutex_);
  connections_[sandbox_id] = connection;
  by_socket_[connection->socket_fd()] = connection;
  epoll_event event{.events = EPOLLIN, .data = {.fd = connection->socket_fd()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection->socket_fd(), &event) != 0) {
    return FailErrno("epoll_ctl");
  }
  return connection;
}

Result<std::shared_ptr<ShimConnection>> ShimReactor::Find(const std::string& sandbox_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = connections_.find(sandbox_id);
  if (found == connections_.end()) {
    return Fail(Code::kUnavailable, "the shim of sandbox {} is not connected", sandbox_id);
  }
  return found->second;
}

void ShimReactor::Drop(const std::string& sandbox_id, const std::optional<Error>& reason) {
  std::shared_ptr<ShimConnection> connection;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = connections_.find(sandbox_id);
    if (found == connections_.end()) return;
    connection = found->second;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->socket_fd(), nullptr);
    by_socket_.erase(connection->socket_fd());
    connections_.erase(found);
  }
  connection->MarkGone(reason);
}

void ShimReactor::Loop() {
  std::array<epoll_event, 64> ready{};
  while (true) {
    const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<size_t>(i)].data.fd;
      if (fd == wake_.get()) return;
      ReadFrom(fd);
    }
  }
}

void ShimReactor::ReadFrom(int socket_fd) {
  const auto connection = Take(socket_fd);
  if (connection == nullptr) return;
  auto packet = ReceivePacket(socket_fd);
  if (!packet) {
    // The number was another connection's when the event came.
    if (packet.error().code() == Code::kAborted) return;
    if (packet.error().code() != Code::kUnavailable) {
      spdlog::error("shim speaks another language sandbox={} error=\"{}\"",
                    connection->sandbox_id(), packet.error().message());
    }
    return Lose(connection, packet.error());
  }
  if (packet->header.serial != 0) return connection->Deliver(std::move(*packet));
  if (packet->header.verb != shim::Verb::kContainerExited) return;  // an event of a later version
  auto exit = DecodeBody<shim::ExitRecord>(*packet);
  if (exit) return events_.container_exited(*exit);
  spdlog::error("exit event is lost sandbox={} error=\"{}\"", connection->sandbox_id(),
                exit.error().message());
}

std::shared_ptr<ShimConnection> ShimReactor::Take(int socket_fd) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_socket_.find(socket_fd);
  return found == by_socket_.end() ? nullptr : found->second;
}

void ShimReactor::Lose(const std::shared_ptr<ShimConnection>& connection, const Error& reason) {
  const bool is_foreign = reason.code() == Code::kFailedPrecondition;
  Drop(connection->sandbox_id(), is_foreign ? std::optional(reason) : std::nullopt);
  if (!is_foreign) events_.shim_gone(connection->sandbox_id());
}

}  // namespace trivet::cri
