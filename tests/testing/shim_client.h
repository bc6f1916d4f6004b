#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/process.h"
#include "proto/trivet/shim.h"
#include "proto/trivet/wire.h"

namespace trivet::testing {

/// One connection to a shim, as a daemon of protocol version 1.0 has it, or after Greet one of a
/// later version; calls one after the other.
class ShimClient {
 public:
  static Result<ShimClient> Connect(const std::filesystem::path& socket);

  template <class Answer, class Request>
  Result<Answer> Call(shim::Verb verb, const Request& request, const std::vector<int>& fds = {}) {
    const uint32_t version = shim::VersionOf(minor_);
    RETURN_IF_ERROR(Send({.version = version, .serial = ++serial_, .verb = verb},
                         wire::Encode(request, minor_), fds));
    ASSIGN_OR_RETURN(const std::string body, AwaitAnswer(serial_));
    return wire::Decode<Answer>(body, minor_);
  }
  /// Sends a request without waiting; the answer comes by AwaitAnswer.
  Result<uint32_t> Send(shim::Verb verb, const std::string& body, const std::vector<int>& fds);
  Result<std::string> AwaitAnswer(uint32_t serial);
  /// The next exit of a container. Errors: kDeadlineExceeded after ten seconds.
  Result<shim::ExitRecord> AwaitExit();
  /// Says Hello as a daemon whose newest minor version is `minor`; the answer is read by the
  /// version that it is written in.
  struct Greeting {
    uint32_t version = 0;
    shim::State state;
  };
  Result<Greeting> Greet(uint16_t minor);
  /// The header of the next packet, whatever it answers.
  Result<shim::Header> ReceiveHeader();
  /// Bytes as they are.
  Result<> SendRaw(const std::string& bytes, const std::vector<int>& fds = {}) const;
  /// Whether the shim has closed this connection.
  [[nodiscard]] bool IsClosed() const;

 private:
  struct Packet {
    shim::Header header;
    std::string body;
  };
  explicit ShimClient(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<> Send(const shim::Header& header, const std::string& body, const std::vector<int>& fds);
  Result<Packet> Receive();

  UniqueFd socket_;
  uint32_t serial_ = 0;
  uint16_t minor_ = 0;  // as agreed
  std::deque<shim::ExitRecord> exits_;
  std::deque<Packet> answers_;
};

}  // namespace trivet::testing
