#include "cri-runtime/sandbox/shim_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
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

// The shim's own words: what it wrote last before it gave up.
std::string LastWords(const std::filesystem::path& log) {
  auto text = ReadFile(log);
  if (!text) return "it said nothing";
  while (text->ends_with('\n')) text->pop_back();
  const std::string line = text->substr(text->rfind('\n') + 1);
  return line.empty() ? "it said nothing" : line;
}

// Waits until the shim has written its pid file, which it does once it listens.
Result<> AwaitReady(const UniqueFd& watch, const Child& child,
                    const std::filesystem::path& folder) {
  const Clock::time_point deadline = Clock::now() + kStartPatience;
  std::array<pollfd, 2> events{pollfd{watch.get(), POLLIN, 0},
                               pollfd{child.pidfd.get(), POLLIN, 0}};
  while (::access((folder / "pid").c_str(), F_OK) != 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Fail(Code::kDeadlineExceeded, "it does not listen");
    if (::poll(events.data(), events.size(), static_cast<int>(left.count())) < 0) continue;
    if (events[1].revents != 0) return Fail(Code::kInternal, "{}", LastWords(folder / "log"));
    std::array<char, 4096> ignored;
    if (events[0].revents != 0 && ::read(watch.get(), ignored.data(), ignored.size()) < 0) continue;
  }
  return {};
}

Result<UniqueFd> WatchFolder(const std::filesystem::path& folder) {
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) return FailErrno("inotify_init");
  if (::inotify_add_watch(watch.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
    return FailErrno("watch {}", folder.native());
  }
  return watch;
}

bool WaitForEnd(const UniqueFd& pidfd, std::chrono::milliseconds patience) {
  pollfd event{pidfd.get(), POLLIN, 0};
  return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace

Result<LaunchedShim> ShimLauncher::Launch(const std::filesystem::path& run_folder,
                                          const shim::SandboxSpec& spec) {
  RETURN_IF_ERROR(EnsureDirectory(run_folder));
  RETURN_IF_ERROR(WriteFileVolatile(run_folder / "spec", wire::Encode(spec)));
  ASSIGN_OR_RETURN(const UniqueFd watch, WatchFolder(run_folder));
  const std::filesystem::path log = run_folder / "log";
  const UniqueFd words(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!words.valid()) return FailErrno("open {}", log.native());

  const Command command{.program = program_, .args = {"--run-dir", run_folder.native()}};
  ASSIGN_OR_RETURN(Child child, StartCommand(command, {{2, words.get()}}));
  const auto ready = AwaitReady(watch, child, run_folder);
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
    if (!WaitForEnd(*pidfd, patience)) {
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
