#include "cri-runtime/sandbox/shim_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "proto/trivet/wire.h"

namespace trivet::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kStartPatience = std::chrono::seconds(20);
constexpr auto kReapPatience = std::chrono::seconds(1);
constexpr auto kAfterKill = std::chrono::seconds(10);

constexpr int kReadyFd = 3;  // in the shim
constexpr std::string_view kReady = "ready\n";

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What the shim writes until it closes its end: that it listens, or why it gave up.
Result<std::string> ReadWords(const UniqueFd& reader) {
  const Clock::time_point deadline = Clock::now() + kStartPatience;
  std::string words;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd event{reader.get(), POLLIN, 0};
    if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "it does not listen");
    if (::poll(&event, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 1024> piece;
    const ssize_t n = ::read(reader.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read from the shim");
    if (n == 0) return words;
    words.append(piece.data(), static_cast<size_t>(n));
  }
}

Result<> AwaitReady(const UniqueFd& reader) {
  ASSIGN_OR_RETURN(std::string words, ReadWords(reader));
  if (words == kReady) return {};
  while (words.ends_with('\n')) words.pop_back();
  return Fail(Code::kInternal, "{}", words.empty() ? "it gave up without a word" : words);
}

bool WaitForEnd(const UniqueFd& pidfd, std::chrono::milliseconds patience) {
  pollfd event{pidfd.get(), POLLIN, 0};
  return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace

Result<> ShimLauncher::Prepare(const std::filesystem::path& program) {
  RETURN_IF_ERROR(programs_.Of(program));
  return {};
}

Result<LaunchedShim> ShimLauncher::Launch(const std::filesystem::path& program,
                                          const std::filesystem::path& run_folder,
                                          const shim::SandboxSpec& spec) {
  RETURN_IF_ERROR(EnsureDirectory(run_folder));
  RETURN_IF_ERROR(WriteFileVolatile(run_folder / "spec", wire::Encode(spec)));
  ASSIGN_OR_RETURN(Pipe ready_pipe, MakePipe());
  ASSIGN_OR_RETURN(const auto read_only, programs_.Of(program));
  const Command command{
      .program = read_only->path(),
      .args = {"--run-dir", run_folder.native(), "--ready-fd", std::to_string(kReadyFd)},
      .name = program.native()};
  // Its warnings go where ours go.
  ASSIGN_OR_RETURN(Child child, StartCommand(command, {{2, STDERR_FILENO},
                                                       {kReadyFd, ready_pipe.writer.get()}}));
  ready_pipe.writer.reset();
  const auto ready = AwaitReady(ready_pipe.reader);
  auto start_time = ReadStartTime(child.pid);
  if (!ready || !start_time) {
    // Not reaped yet, so the number is still its own.
    static_cast<void>(SendSignal(child.pidfd, SIGKILL));
    static_cast<void>(Reap(child.pidfd, kReapPatience));
    return std::unexpected(ready ? std::move(start_time).error() : ready.error());
  }
  const LaunchedShim launched{child.pid, *start_time};
  const std::scoped_lock lock(mutex_);
  children_.insert_or_assign(child.pid, std::move(child));
  return launched;
}

Result<> ShimLauncher::AwaitEnd(int32_t pid, uint64_t start_time,
                                std::chrono::milliseconds patience) {
  const auto pidfd = OpenPidfd(pid);
  const auto now = ReadStartTime(pid);
  if (pidfd && now && *now == start_time && !WaitForEnd(*pidfd, patience)) {
    RETURN_IF_ERROR(SendSignal(*pidfd, SIGKILL));
    if (!WaitForEnd(*pidfd, kAfterKill)) {
      return Fail(Code::kDeadlineExceeded, "process {} did not end after KILL", pid);
    }
  }
  ReapEnded(pid);
  return {};
}

void ShimLauncher::ReapEnded(int32_t pid) {
  const std::scoped_lock lock(mutex_);
  const auto child = children_.find(pid);
  if (child == children_.end()) return;
  // The connection ends a moment before the process.
  const auto reaped = Reap(child->second.pidfd, kReapPatience);
  if (!reaped || *reaped) children_.erase(child);
}

}  // namespace trivet::sandbox
