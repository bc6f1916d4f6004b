#include "common/linux/cgroup_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "common/base/text.h"
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

// By text: paths are taken apart at every operator.
std::filesystem::path FolderIn(std::string hierarchy, std::string_view group) {
  group.remove_prefix(std::min(group.find_first_not_of('/'), group.size()));
  return std::move(hierarchy += '/') += group;
}

// Most have no group below them, and their folder holds dozens of files.
// Source: kernfs_refresh_inode() in fs/kernfs/inode.c: a folder has two links and one for each
// folder in it. Where links are not counted so, there is one.
Result<> ForEachGroup(const std::filesystem::path& folder,
                      const std::function<Result<>(const std::filesystem::path&)>& visit) {
  constexpr nlink_t kWithoutFolders = 2;
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<>() : FailErrno("stat {}", folder.native());
  }
  if (status.st_nlink == kWithoutFolders) return visit(folder);
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
    // A threaded group's are its domain's, which is above it.
    if (!text && text.error().sys_errno() == EOPNOTSUPP) return {};
    if (!text) return std::unexpected(text.error());
    for (const std::string_view line : SplitAt(*text, '\n')) {
      pid_t pid = 0;
      if (line.empty()) continue;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      pids.push_back(pid);
    }
    return {};
  };
  RETURN_IF_ERROR(ForEachGroup(folder, collect));
  return pids;
}

std::vector<pid_t> Without(std::vector<pid_t> pids, std::vector<pid_t> others) {
  std::ranges::sort(others);
  std::erase_if(pids, [&](pid_t pid) { return std::ranges::binary_search(others, pid); });
  return pids;
}

Result<bool> MoveAll(const std::function<Result<std::vector<pid_t>>()>& left,
                     const std::filesystem::path& to) {
  constexpr int kMostRounds = 1000;
  for (int round = 0; round < kMostRounds; ++round) {
    ASSIGN_OR_RETURN(std::vector<pid_t> pids, left());
    std::erase_if(pids, [](pid_t pid) { return pid <= 0; });
    if (pids.empty()) return round > 0;
    for (const pid_t pid : pids) {
      const auto moved = WriteControlFile(to / "cgroup.procs", std::to_string(pid));
      if (!moved && moved.error().sys_errno() != ESRCH) {  // it has ended meanwhile
        return std::unexpected(moved.error());
      }
    }
  }
  return Fail(Code::kAborted, "cgroup {}: its processes start others too fast", to.native());
}

Result<> Remove(const std::filesystem::path& folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};  // most have none below them
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
  const std::string_view text = text_;
  for (size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    const std::string_view rest = text.substr(at + key.size());
    if ((at != 0 && text[at - 1] != '\n') || !rest.starts_with(' ')) continue;
    std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
    break;
  }
  return number;
}

Result<Folder> Folder::Open(std::filesystem::path folder) {
  UniqueFd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", folder.native());
  return Folder(std::move(folder), std::move(fd));
}

Result<std::string> Folder::Read(const char* name) const {
  constexpr size_t kMostBytes = 16384;
  const UniqueFd fd(::openat(fd_.get(), name, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("open {}", (path_ / name).native());
  std::array<char, kMostBytes> content;  // uninitialised: of a short file, one page is touched
  const ssize_t n = ::read(fd.get(), content.data(), content.size());
  if (n < 0) return FailErrno("read {}", (path_ / name).native());
  std::string text(content.data(), static_cast<size_t>(n));
  if (text.size() < kMostBytes) return text;  // the kernel shows such a file in one piece
  ASSIGN_OR_RETURN(const std::string rest, ReadAll(fd.get(), (path_ / name).native()));
  return text + rest;
}

Result<uint64_t> Folder::ReadNumber(const char* name) const {
  ASSIGN_OR_RETURN(const std::string text, Read(name));
  return ParseNumber(text, path_ / name);
}

Result<KeyedNumbers> Folder::ReadKeyed(const char* name) const {
  ASSIGN_OR_RETURN(std::string text, Read(name));
  return KeyedNumbers(std::move(text));
}

Result<uint64_t> ReadKey(const std::filesystem::path& file, std::string_view key) {
  ASSIGN_OR_RETURN(const KeyedNumbers numbers, KeyedNumbers::Read(file));
  return numbers.Get(key);
}

}  // namespace trivet::cgroup_tree
