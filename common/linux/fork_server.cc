#include "common/linux/fork_server.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace trivet {
namespace {

constexpr size_t kMostRequestBytes = size_t{32} << 10;
constexpr int kStreams = 3;
constexpr int kPatienceMs = 10'000;

// Room for the three descriptors of a request.
union Control {
  std::array<char, CMSG_SPACE(kStreams * sizeof(int))> bytes;
  cmsghdr alignment;
};

struct Request {
  std::string text;
  std::array<int, kStreams> streams{-1, -1, -1};
};

// False when there is nobody left, and for what is no request.
bool Receive(int socket, Request& request) {
  request.text.resize(kMostRequestBytes);
  Control control{};
  iovec text{request.text.data(), request.text.size()};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  ssize_t n = -1;
  do {
    n = ::recvmsg(socket, &message, 0);
  } while (n < 0 && errno == EINTR);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (n <= 0 || header == nullptr || header->cmsg_len != CMSG_LEN(kStreams * sizeof(int))) {
    return false;
  }
  std::memcpy(request.streams.data(), CMSG_DATA(header), kStreams * sizeof(int));
  request.text.resize(static_cast<size_t>(n));
  return request.text.back() == '\0';
}

void Answer(int socket, int32_t answer) {
  static_cast<void>(::send(socket, &answer, sizeof answer, MSG_NOSIGNAL));
}

// The texts in `request`, and a null pointer.
std::vector<char*> Split(std::string& request) {
  std::vector<char*> texts;
  for (size_t at = 0; at < request.size(); at += std::strlen(texts.back()) + 1) {
    texts.push_back(request.data() + at);
  }
  texts.push_back(nullptr);
  return texts;
}

[[noreturn]] void Begin(Request& request, const std::function<int(const char*)>& run) {
  std::vector<char*> texts = Split(request.text);
  environ = texts.data() + 1;
  ::setsid();
  for (int number = 0; number < kStreams; ++number) {
    if (::dup2(request.streams[static_cast<size_t>(number)], number) < 0) ::_exit(EXIT_FAILURE);
  }
  ::close_range(kStreams, ~0U, 0);
  std::exit(run(texts.front()));
}

void CloseStreams(const Request& request) {
  for (const int fd : request.streams) ::close(fd);
}

std::string TextOf(const Command& command) {
  std::string text = command.program.native() + '\0';
  if (!command.environment) return text;
  for (const std::string& variable : *command.environment) text += variable + '\0';
  return text;
}

bool Send(int socket, std::string& text, const InheritedFds& fds) {
  Control control{};
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(kStreams * sizeof(int));
  std::array<int, kStreams> streams{};
  for (const auto& [number, fd] : fds) streams.at(static_cast<size_t>(number)) = fd;
  std::memcpy(CMSG_DATA(header), streams.data(), sizeof streams);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// What it said; 0 at the end, or when it says nothing.
template <class Bytes>
size_t AwaitWords(int socket, Bytes& bytes) {
  pollfd event{socket, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&event, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  const ssize_t n = ready > 0 ? ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) : 0;
  return n > 0 ? static_cast<size_t>(n) : 0;
}

}  // namespace

int ServeForks(int socket, const std::function<int(const char*)>& run) {
  ::send(socket, kForkServerHello.data(), kForkServerHello.size(), MSG_NOSIGNAL);
  Request request;
  while (Receive(socket, request)) {
    const auto child = Clone3({.flags = CLONE_PARENT});
    if (child && child->pid == 0) Begin(request, run);
    CloseStreams(request);
    Answer(socket, child ? child->pid : -EAGAIN);
  }
  return EXIT_SUCCESS;
}

Result<std::unique_ptr<ForkServer>> ForkServer::Start(const std::filesystem::path& program) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return FailErrno("socketpair");
  }
  UniqueFd own(ends[0]);
  UniqueFd theirs(ends[1]);
  ASSIGN_OR_RETURN(Child server,
                   StartCommand({.program = program, .args = {std::string(kServeForksFlag)}},
                                {{2, STDERR_FILENO}, {kForkServerFd, theirs.get()}}));
  theirs.reset();  // so that its end is one
  std::unique_ptr<ForkServer> started(new ForkServer(std::move(own), std::move(server)));
  RETURN_IF_ERROR(started->AwaitHello(program));
  return started;
}

Result<> ForkServer::AwaitHello(const std::filesystem::path& program) const {
  std::array<char, kForkServerHello.size() + 1> hello{};
  const size_t size = AwaitWords(socket_.get(), hello);
  if (std::string_view(hello.data(), size) == kForkServerHello) return {};
  return Fail(Code::kUnimplemented, "{} is no fork server", program.native());
}

ForkServer::~ForkServer() {
  static_cast<void>(SendSignal(server_.pidfd, SIGKILL));
  static_cast<void>(Reap(server_.pidfd));
}

Result<Child> ForkServer::Fork(const Command& command, const InheritedFds& fds) {
  std::string text = TextOf(command);
  if (text.size() > kMostRequestBytes) return Fail(Code::kUnavailable, "too large an environment");
  good_ = false;
  if (!Send(socket_.get(), text, fds)) return Fail(Code::kUnavailable, "the fork server has gone");
  std::array<char, sizeof(int32_t)> answer{};
  if (AwaitWords(socket_.get(), answer) != answer.size()) {
    return Fail(Code::kInternal, "the fork server of {} gives no answer", command.program.native());
  }
  good_ = true;
  int32_t pid = 0;
  std::memcpy(&pid, answer.data(), sizeof pid);
  if (pid < 0) return Fail(Code::kUnavailable, "the fork server cannot fork");
  auto pidfd = OpenPidfd(pid);  // not reaped yet: still the same process
  if (pidfd) return Child{pid, std::move(*pidfd)};
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return std::unexpected(std::move(pidfd).error());
}

}  // namespace trivet
