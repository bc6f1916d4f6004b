#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>
#include <thread>

#include "common/base/unique_fd.h"
#include "cri-runtime/shim_client/packet.h"
#include "cri-runtime/shim_client/reactor.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cri {

/// The other end of the shim protocol in this process: `serve` runs in a thread with the accepted
/// connection and ends the connection by returning.
class FakeShim {
 public:
  explicit FakeShim(std::function<void(int socket_fd)> serve);
  ~FakeShim() { thread_.join(); }

  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "sock"; }

  /// One more connection.
  [[nodiscard]] UniqueFd Accept() const {
    return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  /// Whether one more waits for that.
  [[nodiscard]] bool HasCaller() const;

  /// Waits for a request; false at the end of the connection.
  static bool Await(int socket_fd, Packet& request);
  template <class Body>
  static void Answer(int socket_fd, const Packet& request, const Body& body) {
    static_cast<void>(SendPacket(socket_fd,
                                 {.serial = request.header.serial, .verb = request.header.verb},
                                 wire::Encode(body), {}));
  }

 private:
  testing::TempDirectory folder_;
  UniqueFd listener_;
  std::thread thread_;
};

}  // namespace trivet::cri
