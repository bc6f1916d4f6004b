#include "tests/unit/cri/fake_shim.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/un.h>

#include <cstring>

namespace trivet::cri {

FakeShim::FakeShim(std::function<void(int socket_fd)> serve)
    : listener_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{.sun_family = AF_UNIX};
  std::strcpy(address.sun_path, socket().c_str());
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  EXPECT_EQ(::listen(listener_.get(), 1), 0);
  thread_ = std::thread([this, serve = std::move(serve)] {
    const UniqueFd connection = Accept();
    serve(connection.get());
  });
}

bool FakeShim::HasCaller() const {
  pollfd event{listener_.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) == 1;
}

bool FakeShim::Await(int socket_fd, Packet& request) {
  pollfd event{socket_fd, POLLIN, 0};
  while (::poll(&event, 1, -1) < 0) {
  }
  auto packet = ReceivePacket(socket_fd);
  if (packet) request = std::move(*packet);
  return packet.has_value();
}

}  // namespace trivet::cri
