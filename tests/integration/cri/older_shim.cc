#include "tests/integration/cri/older_shim.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "common/linux/socket_address.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"

namespace trivet::testing {
namespace {

// Empty at the end.
std::string Receive(const UniqueFd& from) {
  std::string packet(size_t{1} << 17, '\0');
  const ssize_t n = ::recv(from.get(), packet.data(), packet.size(), 0);
  packet.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return packet;
}

std::string WithOffer(const std::string& packet, uint16_t minor) {
  shim::Header header;
  wire::Reader reader(packet);
  Fields(reader, header);
  if (header.verb != shim::Verb::kHello) return packet;
  return wire::Encode(header) + wire::Encode(shim::Offer{minor});
}

UniqueFd NewSocket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

}  // namespace

OlderShim::OlderShim(const std::filesystem::path& folder, uint16_t minor)
    : shim_(folder / "sock.own"), minor_(minor), listener_(NewSocket()) {
  std::filesystem::rename(folder / "sock", shim_);
  const auto address = SocketAddress::Of(folder / "sock");
  EXPECT_EQ(::bind(listener_.get(), address->get(), SocketAddress::size()), 0);
  EXPECT_EQ(::listen(listener_.get(), 4), 0);
  thread_ = std::thread([this] { Serve(); });
}

OlderShim::~OlderShim() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
  for (std::thread& connection : connections_) connection.join();
}

void OlderShim::Serve() {
  while (true) {
    UniqueFd daemon(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!daemon.valid()) return;
    connections_.emplace_back(
        [this, peer = std::move(daemon)]() mutable { Connect(std::move(peer)); });
  }
}

// Until one of both is gone.
void OlderShim::Connect(UniqueFd daemon) {
  const UniqueFd shim = NewSocket();
  const auto address = SocketAddress::Of(shim_);
  if (::connect(shim.get(), address->get(), SocketAddress::size()) != 0) return;
  pollfd ready[] = {{daemon.get(), POLLIN, 0}, {shim.get(), POLLIN, 0}};
  while (::poll(ready, 2, -1) > 0) {
    const bool asks = ready[0].revents != 0;
    const std::string packet = Receive(asks ? daemon : shim);
    if (packet.empty()) return;
    const std::string sent = asks ? WithOffer(packet, minor_) : packet;
    ::send((asks ? shim : daemon).get(), sent.data(), sent.size(), MSG_NOSIGNAL);
  }
}

}  // namespace trivet::testing
