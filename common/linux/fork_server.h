#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/error.h"
#include "common/linux/command.h"
#include "common/linux/process.h"

/// A program that is loaded once and forked for each run, for one that is run often and ends soon:
/// to load it takes the processor longer than all it does. Each run is a process of its own, with
/// its own environment and standard streams, and a child of the client's.
///
/// The protocol, on a SOCK_SEQPACKET socket: the server says kForkServerHello; a request has
/// argv[0] and the environment, each ended by a zero byte, and three descriptors, for 0, 1 and 2;
/// the answer is an int32_t, the process's number or a negative errno.
namespace trivet {

/// The flag by which a program is asked to call ServeForks with ForkServer::kForkServerFd.
inline constexpr std::string_view kServeForksFlag = "--serve-forks";
inline constexpr std::string_view kForkServerHello = "trivet fork server 1";

/// The server's side, in a process with one thread, until the client has gone: an exit code. Each
/// process that it forks exits with what `run`, which gets argv[0], returns.
int ServeForks(int socket, const std::function<int(const char*)>& run);

/// The client's side. One caller at a time.
class ForkServer {
 public:
  /// Starts `program` with kServeForksFlag. Errors: StartCommand's; kUnimplemented for a program
  /// that does not say hello.
  static Result<std::unique_ptr<ForkServer>> Start(const std::filesystem::path& program);
  static constexpr int kForkServerFd = 3;

  /// Ends the server. What it has forked runs on.
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  /// Starts the program as StartCommand, for a `command` with an environment and neither a name nor
  /// arguments, and for `fds` that are 0, 1 and 2. Errors: kUnavailable when it is certain that
  /// nothing was started; kInternal when the server ended with the request: a process may have been
  /// started that nobody knows of.
  Result<Child> Fork(const Command& command, const InheritedFds& fds);

  /// Whether it may be asked again after the last failure.
  [[nodiscard]] bool good() const { return good_; }

 private:
  ForkServer(UniqueFd socket, Child server)
      : socket_(std::move(socket)), server_(std::move(server)) {}
  Result<> AwaitHello(const std::filesystem::path& program) const;

  UniqueFd socket_;
  Child server_;
  bool good_ = true;
};

}  // namespace trivet
