#include "common/linux/run_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/linux/pipe.h"
#include "common/linux/processors.h"

namespace trivet {
namespace {

// An answer has what the request had, and is written with more space.
constexpr size_t kMostRequestBytes = size_t{24} << 10;
constexpr size_t kMostAnswerBytes = size_t{64} << 10;
constexpr int kOwnEndMs = 100;  // of a process whose socket has ended
constexpr int kKilled = 128;    // and above: exit codes of processes that were killed

constexpr size_t kBufferBytes = kMostAnswerBytes + 1;  // to tell what was cut

// That the other side has gone with something unread is told once, before what it said.
ssize_t Receive(int socket, char* buffer) {
  ssize_t n = -1;
  do {
    n = ::recv(socket, buffer, kBufferBytes, 0);
  } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  return n;
}

bool Send(int socket, std::string_view text) {
  return ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

// A request taken apart; it points into the text.
struct Request {
  std::vector<char*> words;  // argv[0], the environment, a null pointer
  std::string_view input;
};

// The texts end with an empty one; a text that ends without is no request.
bool Split(char* text, size_t size, Request& request) {
  request.words.clear();
  size_t at = 0;
  while (at < size && text[at] != '\0') {
    request.words.push_back(&text[at]);
    at += ::strnlen(&text[at], size - at) + 1;
  }
  if (at >= size || request.words.empty()) return false;
  request.words.push_back(nullptr);
  request.input = {&text[at + 1], size - at - 1};
  return true;
}

std::string TextOf(const ServedResult& result) {
  const int32_t code = result.exit_code;
  std::string text(reinterpret_cast<const char*>(&code), sizeof code);
  return text.append(result.output);
}

// A variable is what execve(2) would take of it; an empty one would end the environment.
std::string TextOf(const Command& command, std::string_view input) {
  std::string text = command.program.native() + '\0';
  for (const std::string& variable : command.environment.value_or(std::vector<std::string>())) {
    const std::string_view taken = std::string_view(variable).substr(0, variable.find('\0'));
    if (!taken.empty()) text.append(taken).push_back('\0');
  }
  text += '\0';
  return text.append(input);
}

int ServeUntilTheEnd(int socket, const std::function<ServedResult(const ServedRun&)>& run) {
  Send(socket, kRunServerHello);
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  Request request;
  while (true) {
    const ssize_t size = Receive(socket, buffer.get());
    if (size <= 0 || !Split(buffer.get(), static_cast<size_t>(size), request)) return EXIT_SUCCESS;
    environ = request.words.data() + 1;
    const auto result = run({.name = request.words.front(), .input = request.input});
    if (!Send(socket, TextOf(result))) return EXIT_FAILURE;
  }
}

}  // namespace

int ServeRuns(int socket, const std::function<ServedResult(const ServedRun&)>& run) {
  char** const own_environment = environ;
  const int exit_code = ServeUntilTheEnd(socket, run);
  environ = own_environment;
  return exit_code;
}

Result<std::unique_ptr<RunServer>> RunServer::Start(const std::filesystem::path& program) {
  ASSIGN_OR_RETURN(SocketPair sockets, MakeSocketPair(SOCK_SEQPACKET));
  ASSIGN_OR_RETURN(Child server,
                   StartCommand({.program = program, .args = {std::string(kServeRunsFlag)}},
                                {{2, STDERR_FILENO}, {kSocketFd, sockets.theirs.get()}}));
  return std::unique_ptr<RunServer>(new RunServer(std::move(sockets.ours), std::move(server)));
}

RunServer::~RunServer() {
  End();
}

// However long that takes: what it ran is over when this returns, and may be undone. Its exit code.
int RunServer::End() {
  if (!server_.pidfd.valid()) return exit_code_;
  pollfd ended{.fd = server_.pidfd.get(), .events = POLLIN, .revents = 0};
  if (socket_has_ended_) ::poll(&ended, 1, kOwnEndMs);
  ::kill(-server_.pid, SIGKILL);  // not reaped yet: the group is still its own
  exit_code_ = Reap(server_.pidfd).value_or(0);
  server_.pidfd.reset();
  return exit_code_;
}

// What one that was never asked may have to say is its hello.
bool RunServer::IsIdle() const {
  pollfd event{socket_.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) == 0 || (!said_hello_ && event.revents == POLLIN);
}

Result<std::string_view> RunServer::Await(Clock::time_point deadline) {
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "no end in time");
    pollfd event{socket_.get(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t n = Receive(socket_.get(), buffer_.get());
    socket_has_ended_ = n <= 0;
    if (n <= 0) return Fail(Code::kInternal, "the process has ended");
    return std::string_view(buffer_.get(), static_cast<size_t>(n));
  }
}

// One that ended of itself before it is no server; one that was killed may be one.
Result<> RunServer::AwaitHello(Clock::time_point deadline) {
  if (said_hello_) return {};
  const auto hello = Await(deadline);
  if (!hello && !socket_has_ended_) return std::unexpected(hello.error());
  said_hello_ = hello && *hello == kRunServerHello;
  if (said_hello_) return {};
  const bool was_killed = !hello && End() >= kKilled;
  return Fail(was_killed ? Code::kUnavailable : Code::kUnimplemented, "it does not serve");
}

// Both work on, each on a processor of its own if there are two.
bool RunServer::SendAnd(const std::function<void()>& meanwhile, const std::string& request) {
  Sent elsewhere = meanwhile ? SendElsewhere(server_.pid) : Sent();
  const bool sent = Send(socket_.get(), request);
  if (sent && meanwhile) meanwhile();
  elsewhere.EndFor(server_.pid);
  return sent;
}

Result<RunOutput> RunServer::Ask(const std::string& request, Clock::time_point deadline,
                                 const std::function<void()>& meanwhile) {
  const bool sent = SendAnd(meanwhile, request);
  RETURN_IF_ERROR(AwaitHello(deadline));
  if (!sent) return Fail(Code::kUnavailable, "it has gone");
  ASSIGN_OR_RETURN(const std::string_view answer, Await(deadline));
  int32_t code = 0;
  if (answer.size() < sizeof code || answer.size() > kMostAnswerBytes) {
    return Fail(Code::kInternal, "an answer of {} bytes", answer.size());
  }
  std::memcpy(&code, answer.data(), sizeof code);
  return RunOutput{.exit_code = code, .out = std::string(answer.substr(sizeof code)), .err = {}};
}

Result<RunOutput> RunServer::Run(const Command& command, std::string_view input,
                                 std::chrono::milliseconds timeout,
                                 const std::function<void()>& meanwhile) {
  const std::string request = TextOf(command, input);
  const std::string& name = command.program.native();
  if (request.size() > kMostRequestBytes) {
    return Fail(Code::kOutOfRange, "{}: too much for it", name);
  }
  auto output = Ask(request, Clock::now() + timeout, meanwhile);
  if (output) return output;
  const Error& error = output.error();
  return Fail(error.code(), "{}: {}: exit code {}", name, error.message(), End());
}

}  // namespace trivet
