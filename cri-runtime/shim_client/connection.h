#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/processors.h"
#include "cri-runtime/shim_client/exec_line.h"
#include "cri-runtime/shim_client/packet.h"

namespace trivet::cri {

/// A connection to the shim of one sandbox. Any thread may call; answers come
/// through the reactor's thread, in any order.
class ShimConnection {
 public:
  /// No deadline: an exec without a timeout.
  static constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();
  static constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(20);

  /// `path`: where the shim listens.
  ShimConnection(std::string sandbox_id, UniqueFd socket, std::filesystem::path path)
      : sandbox_id_(std::move(sandbox_id)),
        socket_(std::move(socket)),
        exec_line_(std::move(path)) {}

  /// The first call: what runs there. It agrees on the version of all that follows, and subscribes
  /// to the shim's events.
  /// Errors: those of Call; kFailedPrecondition when the shim speaks another major version.
  Result<shim::State> Hello(std::chrono::milliseconds patience = kPatience);

  /// What a caller does while it waits: until the descriptor is readable, which is when there is an
  /// answer or will be none, or until the time has come.
  using Clock = std::chrono::steady_clock;
  using Meanwhile = std::function<void(int answered_fd, Clock::time_point until)>;

  /// Sends `request` and waits for its answer, an exec by `meanwhile`. Descriptors are borrowed.
  /// Errors: the shim's own; kDeadlineExceeded; kUnavailable when the shim is gone; kUnimplemented
  /// when it is of an earlier version, which has no word for what is asked.
  template <class Answer, class Request>
  Result<Answer> Call(shim::Verb verb, const Request& request, const std::vector<int>& fds = {},
                      std::chrono::milliseconds patience = kPatience,
                      const Meanwhile& meanwhile = {}) {
    ASSIGN_OR_RETURN(const std::string body, wire::EncodeAll(request, minor()), "shim");
    ASSIGN_OR_RETURN(const Packet answer, Exchange(verb, body, fds, patience, meanwhile));
    return DecodeBody<Answer>(answer);
  }

  [[nodiscard]] const std::string& sandbox_id() const { return sandbox_id_; }
  [[nodiscard]] int socket_fd() const { return socket_.get(); }
  /// The minor version that both sides know.
  [[nodiscard]] uint16_t minor() const { return minor_; }

  /// The reactor's: gives an answer to the call that waits for it.
  void Deliver(Packet packet);
  /// The reactor's: every call that waits or comes later fails, with `reason` when there is one.
  void MarkGone(std::optional<Error> reason = std::nullopt);

 private:
  Result<Packet> Exchange(shim::Verb verb, const std::string& body, const std::vector<int>& fds,
                          std::chrono::milliseconds patience, const Meanwhile& meanwhile = {});
  Result<std::optional<Packet>> ExchangeHere(shim::Header header, const std::string& body,
                                             const std::vector<int>& fds, Clock::time_point until,
                                             const Meanwhile& meanwhile);
  Result<std::optional<Packet>> ExchangeOn(ExecLine::Use& line, const shim::Header& header,
                                           const std::string& body, const std::vector<int>& fds,
                                           Clock::time_point until, const Meanwhile& meanwhile);
  Result<uint32_t> Reserve(std::shared_ptr<const UniqueFd> answered_fd);
  [[nodiscard]] Error WhyGone() const;  // under the lock
  // Nothing when there is no answer by then.
  Result<std::optional<Packet>> Await(uint32_t serial, Clock::time_point until);

  struct Wait {
    Wait() { ++waits_; }
    ~Wait() { --waits_; }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    std::optional<Packet> answer;
    std::shared_ptr<const UniqueFd> answered_fd;
    pid_t thread = ::gettid();
    Sent sent;
  };
  static void Wake(const UniqueFd* answered_fd);
  class Reserved;
  inline static std::atomic<int> waits_ = 0;  // of all connections

  std::string sandbox_id_;
  UniqueFd socket_;
  ExecLine exec_line_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::map<uint32_t, Wait> waiting_;  // by serial
  uint32_t last_serial_ = 0;
  bool gone_ = false;
  std::optional<Error> gone_reason_;
  std::atomic<uint16_t> minor_ = 0;
};

}  // namespace trivet::cri
