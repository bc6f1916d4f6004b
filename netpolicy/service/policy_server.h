#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <list>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "proto/trivet/policy.h"

namespace trivet::netpolicy {

/// Serves proto/trivet/policy.h on a unix socket (0600): one request and one answer per connection.
///
/// One thread, which never waits for a client: a connection costs a descriptor until its request is
/// there, and of too many silent ones the oldest is closed. Peers of another user than root and
/// this process's own are refused; so is a packet that is not exactly a request. Both get an answer
/// that says why.
class PolicyServer {
 public:
  using Handler = std::function<policy::Answer(const policy::Request&)>;
  static constexpr size_t kMaxSilentClients = 256;

  /// Replaces the socket of an agent that was killed. Errors: kAlreadyExists when something else
  /// than a socket is at the path.
  static Result<PolicyServer> Listen(const std::filesystem::path& socket, Handler handler);
  ~PolicyServer();
  PolicyServer(PolicyServer&&) = default;
  PolicyServer& operator=(PolicyServer&&) = delete;

  /// Readable when ServeReady() has something to do. Borrowed.
  [[nodiscard]] int event_fd() const { return events_.get(); }
  /// Takes new connections and answers the requests that have arrived, without waiting.
  Result<> ServeReady();

 private:
  struct Client {
    UniqueFd socket;
    uid_t uid;
  };
  using Clients = std::list<Client>;  // oldest first
  PolicyServer(std::filesystem::path path, Handler handler, UniqueFd listener, UniqueFd events)
      : path_(std::move(path)),
        handler_(std::move(handler)),
        listener_(std::move(listener)),
        events_(std::move(events)) {}

  Result<> AcceptAll();
  Result<> ServeClients();
  Result<> Register(UniqueFd socket);
  /// True when the connection is over.
  bool Serve(const Client& client);
  policy::Answer AnswerTo(const Client& client, const char* packet, size_t size_bytes);

  std::filesystem::path path_;
  Handler handler_;
  UniqueFd listener_;
  UniqueFd events_;
  Clients clients_;
};

}  // namespace trivet::netpolicy
