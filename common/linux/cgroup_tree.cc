#include "common/linux/cgroup_tree.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <limits>

#include "common/linux/file.h"
#include "common/linux/process.h"

namespace trivet::cgroup_tree {
namespace {

using Clock = std::chrono::steady_clock;

Result<uint64_t> ParseNumber(std::string_view text, const std::filesystem::path& file) {
  if (text.starts_with("max")) return std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) {
    return Fail(Code::kInternal, "{}: unexpected content", file.native());
  }
  return number;
}

template <class Visit>
void ForEachLine(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    visit(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

bool IsGone(const Error& error) {
  return error.code() == Code::kNotFound || error.sys_errno() == ENODEV;
}

// Processes that were killed, by pidfd.
Result<std::vector<UniqueFd>> KillEach(const std::vector<pid_t>& pids) {
  std::vector<UniqueFd> killed;
  for (const pid_t pid : pids) {
    if (pid <= 0) continue;  // 0: a process of another PID namespace, out of reach
    auto pidfd = OpenPidfd(pid);
    if (!pidfd && pidfd.error().sys_errno() == ESRCH) continue;
    if (!pidfd) return std::unexpected(pidfd.error());
    RETURN_IF_ERROR(SendSignal(*pidfd, SIGKILL));
    killed.push_back(std::move(*pidfd));
  }
  return killed;
}

// Polling a pidfd says that its process has ended, whoever reaps it.
void AwaitEnd(const UniqueFd& pidfd, Clock::time_point deadline) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() > 0) ::poll(&ended, 1, static_cast<int>(left.count()));
}

}  // namespace

Result<> ForEachGroup(const std::filesystem::path& folder,
                      const std::function<Result<>(const std::filesystem::path&)>& visit) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) return std::unexpected(Error::FromErrno(error.value(), "list " + folder.native()));
  // The folder may go while it is read: systemd takes away what is empty.
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::error_code unknown;
    if (entries->is_directory(unknown)) RETURN_IF_ERROR(ForEachGroup(entries->path(), visit));
  }
  return visit(folder);
}

Result<std::vector<pid_t>> Processes(const std::filesystem::path& folder) {
  std::vector<pid_t> pids;
  const auto collect = [&](const std::filesystem::path& group) -> Result<> {
    const auto text = ReadFile(group / "cgroup.procs");
    if (!text && IsGone(text.error())) return {};
    if (!text) return std::unexpected(text.error());
    ForEachLine(*text, [&](std::string_view line) {
      pid_t pid = 0;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      pids.push_back(pid);
    });
    return {};
  };
  RETURN_IF_ERROR(ForEachGroup(folder, collect));
  return pids;
}

Result<> Remove(const std::filesystem::path& folder) {
  return ForEachGroup(folder, [](const std::filesystem::path& group) -> Result<> {
    if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return {};
    return FailErrno("remove cgroup {}", group.native());
  });
}

Result<> KillAll(const std::filesystem::path& folder, std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<pid_t> pids, Processes(folder));
    if (pids.empty()) return {};
    if (Clock::now() >= deadline) {
      return Fail(Code::kDeadlineExceeded, "kill cgroup {}: {} processes are left", folder.native(),
                  pids.size());
    }
    ASSIGN_OR_RETURN(const std::vector<UniqueFd> killed, KillEach(pids));
    for (const UniqueFd& pidfd : killed) AwaitEnd(pidfd, deadline);
  }
}

Result<uint64_t> ReadNumber(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  return ParseNumber(text, file);
}

Result<KeyedNumbers> KeyedNumbers::Read(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(file));
  return KeyedNumbers(std::move(text));
}

uint64_t KeyedNumbers::Get(std::string_view key) const {
  uint64_t number = 0;
  ForEachLine(text_, [&](std::string_view line) {
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(' ')) return;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), number);
  });
  return number;
}

Result<uint64_t> ReadKey(const std::filesystem::path& file, std::string_view key) {
  ASSIGN_OR_RETURN(const KeyedNumbers numbers, KeyedNumbers::Read(file));
  return numbers.Get(key);
}

}  // namespace trivet::cgroup_tree
