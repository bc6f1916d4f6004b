#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/linux/command.h"
#include "common/linux/process.h"

/// A program that is loaded once and runs again and again, for one that is run often and ends soon:
/// to start and to end a process takes the processor longer than all it does. One run at a time.
///
/// The protocol, on a SOCK_SEQPACKET socket: the server says kRunServerHello; a request has argv[0]
/// and the environment, each ended by a zero byte, one more zero byte, and the standard input; the
/// answer has the exit code, an int32_t, and the standard output. What is asked of a program is
/// asked before it has said hello: another protocol is another flag's.
namespace trivet {

/// The flag by which a program is asked to call ServeRuns with RunServer::kSocketFd.
inline constexpr std::string_view kServeRunsFlag = "--serve-runs";
inline constexpr std::string_view kRunServerHello = "trivet run server 1";

/// One run, in the server: environ is the run's.
struct ServedRun {
  const char* name = "";  // argv[0]
  std::string_view input;
};
struct ServedResult {
  int exit_code = 0;
  std::string output;
};

/// The server's side, in a process with one thread, until the client has gone: an exit code. `run`
/// must undo what it changes of the process.
int ServeRuns(int socket, const std::function<ServedResult(const ServedRun&)>& run);

/// The client's side. One caller at a time.
class RunServer {
 public:
  static constexpr int kSocketFd = 3;

  /// Starts `program` with kServeRunsFlag, and does not wait until it is loaded. Errors:
  /// StartCommand's.
  static Result<std::unique_ptr<RunServer>> Start(const std::filesystem::path& program);

  /// Ends the server, and what it runs, and waits for that.
  ~RunServer();
  RunServer(const RunServer&) = delete;
  RunServer& operator=(const RunServer&) = delete;

  /// Runs the program as RunCommand, for a `command` with an environment and neither a name nor
  /// arguments. `meanwhile` is called when it has been asked, if it was. What the program writes to
  /// its standard error goes where ours goes. No more may be asked of it after a failure. Errors:
  /// kOutOfRange for what is more than a request takes, after which it may be called again;
  /// kUnavailable, kUnimplemented for a program that serves no runs: nothing has begun;
  /// kDeadlineExceeded; kInternal when the server has ended in the midst of it. Nothing of it runs
  /// any more then, however long that takes.
  Result<RunOutput> Run(const Command& command, std::string_view input,
                        std::chrono::milliseconds timeout,
                        const std::function<void()>& meanwhile = {});

  /// Whether it is there and waits.
  [[nodiscard]] bool IsIdle() const;

 private:
  using Clock = std::chrono::steady_clock;
  RunServer(UniqueFd socket, Child server)
      : socket_(std::move(socket)), server_(std::move(server)) {}
  Result<RunOutput> Ask(const std::string& request, Clock::time_point deadline,
                        const std::function<void()>& meanwhile);
  bool SendAnd(const std::function<void()>& meanwhile, const std::string& request);
  Result<> AwaitHello(Clock::time_point deadline);
  Result<std::string_view> Await(Clock::time_point deadline);
  int End();

  UniqueFd socket_;
  Child server_;
  bool said_hello_ = false;
  bool socket_has_ended_ = false;
  int exit_code_ = 0;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace trivet
