#include "cri-runtime/sandbox/loaded_shim.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <utility>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "common/linux/pipe.h"
#include "common/linux/processors.h"
#include "proto/trivet/wire.h"

namespace trivet::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kStartPatience = std::chrono::seconds(20);
constexpr auto kUnusedEnd = std::chrono::seconds(1);

constexpr int kReadyFd = 3;  // in the shim
constexpr std::string_view kReady = "ready\n";

// What the shim writes until it closes its end: that it listens, or why it gave up.
Result<std::string> ReadWords(const UniqueFd& socket) {
  const Clock::time_point deadline = Clock::now() + kStartPatience;
  std::string words;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd event{socket.get(), POLLIN, 0};
    if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "it does not listen");
    if (::poll(&event, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 1024> piece;
    const ssize_t n = ::read(socket.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != ECONNRESET) return FailErrno("read from the shim");
    if (n <= 0) return words;
    words.append(piece.data(), static_cast<size_t>(n));
  }
}

bool HasEnded(const UniqueFd& pidfd) {
  pollfd event{pidfd.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) != 0;
}

}  // namespace

Result<LoadedShim> LoadedShim::Start(std::shared_ptr<const ReadOnlyProgram> program,
                                     const std::filesystem::path& name,
                                     const std::filesystem::path& run_folder) {
  ASSIGN_OR_RETURN(SocketPair sockets, MakeSocketPair(SOCK_STREAM));
  const Command command{
      .program = program->path(),
      .args = {"--run-dir", run_folder.native(), "--ready-fd", std::to_string(kReadyFd), "--wait"},
      .name = name.native()};
  // Its warnings go where ours go.
  ASSIGN_OR_RETURN(Child child,
                   StartCommand(command, {{2, STDERR_FILENO}, {kReadyFd, sockets.theirs.get()}}));
  return LoadedShim(std::move(program), run_folder, std::move(sockets.ours), std::move(child));
}

LoadedShim::~LoadedShim() {
  if (!child_.pidfd.valid()) return;
  ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  if (!begun_) {
    const auto ended = Reap(child_.pidfd, kUnusedEnd);
    if (ended && *ended) return;
  }
  // Not reaped yet, so the number is still its own.
  static_cast<void>(SendSignal(child_.pidfd, SIGKILL));
  static_cast<void>(Reap(child_.pidfd, kUnusedEnd));
}

bool LoadedShim::IsGood(const ReadOnlyProgram& program) const {
  return program_.get() == &program && !HasEnded(child_.pidfd);
}

Result<> LoadedShim::Begin(const shim::SandboxSpec& spec) {
  RETURN_IF_ERROR(EnsureDirectory(run_folder_));
  RETURN_IF_ERROR(WriteFileVolatile(run_folder_ / "spec", wire::Encode(spec)));
  begun_ = true;
  const char word = 1;
  Sent here = SendHere(child_.pid);  // where this thread waits next, and not in the plugin's way
  static_cast<void>(::send(socket_.get(), &word, sizeof word, MSG_NOSIGNAL));  // its end is read
  auto read = ReadWords(socket_);
  here.EndFor(child_.pid);
  ASSIGN_OR_RETURN(std::string words, std::move(read));
  if (words == kReady) return {};
  if (words.empty()) {  // as one that does not know --wait
    return Fail(
        Code::kInternal,
        "it gave up without a word: trivet-cri and trivet-shim may be of different versions");
  }
  while (words.ends_with('\n')) words.pop_back();
  return Fail(Code::kInternal, "{}", words);
}

Child LoadedShim::Release() && {
  return std::move(child_);
}

}  // namespace trivet::sandbox
