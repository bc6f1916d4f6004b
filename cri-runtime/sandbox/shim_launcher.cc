#include "cri-runtime/sandbox/shim_launcher.h"

#include <poll.h>

#include <csignal>

namespace trivet::sandbox {
namespace {

constexpr auto kReapPatience = std::chrono::seconds(1);
constexpr auto kAfterKill = std::chrono::seconds(10);

bool WaitForEnd(const UniqueFd& pidfd, std::chrono::milliseconds patience) {
  pollfd event{pidfd.get(), POLLIN, 0};
  return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace

Result<> ShimLauncher::Prepare(const std::filesystem::path& program) {
  RETURN_IF_ERROR(programs_.Of(program));
  return {};
}

Result<LoadedShim> ShimLauncher::Load(const std::filesystem::path& program,
                                      const std::filesystem::path& run_folder) {
  ASSIGN_OR_RETURN(auto read_only, programs_.Of(program));
  return LoadedShim::Start(std::move(read_only), program, run_folder);
}

Result<LaunchedShim> ShimLauncher::Launch(const std::filesystem::path& program,
                                          const std::filesystem::path& run_folder,
                                          const shim::SandboxSpec& spec,
                                          std::optional<LoadedShim> loaded) {
  ASSIGN_OR_RETURN(const auto read_only, programs_.Of(program));
  std::optional<LoadedShim> unfit;  // its end is waited for last
  if (loaded && !loaded->IsGood(*read_only)) {
    unfit.emplace(std::move(*loaded));
    loaded.reset();
  }
  if (!loaded) {
    ASSIGN_OR_RETURN(LoadedShim started, LoadedShim::Start(read_only, program, run_folder));
    loaded.emplace(std::move(started));
  }
  RETURN_IF_ERROR(loaded->Begin(spec));
  ASSIGN_OR_RETURN(const uint64_t start_time, ReadStartTime(loaded->pid()));
  Child child = std::move(*loaded).Release();
  const LaunchedShim launched{child.pid, start_time};
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
