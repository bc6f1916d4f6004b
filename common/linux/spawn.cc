#include "common/linux/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/unique_fd.h"

namespace trivet {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailErrno("pipe");
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // Only our end: the program may rely on blocking writes.
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("fcntl O_NONBLOCK");
  return pipe;
}

// posix_spawn's two argument objects, destroyed together.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output_fd) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output_fd, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output_fd, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);

    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> Start(const SpawnRequest& request, int output_fd) {
  static constexpr std::array<const char*, 3> kEnvironment = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", nullptr};
  std::vector<char*> argv;
  for (const std::string& argument : request.argv) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);

  const SpawnSettings settings(output_fd);
  pid_t pid = -1;
  const int err = ::posix_spawnp(&pid, argv[0], settings.actions(), settings.attributes(),
                                 argv.data(), const_cast<char* const*>(kEnvironment.data()));
  if (err != 0) return std::unexpected(Error::FromErrno(err, "spawn"));
  return pid;
}

// Takes what is in the pipe. False at its end.
bool Drain(int fd, size_t limit_bytes, std::string& output) {
  std::array<char, 4096> chunk;
  while (true) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    output.append(chunk.data(), std::min(static_cast<size_t>(n), limit_bytes - output.size()));
  }
}

int StatusOf(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int Reap(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return StatusOf(info);
}

// Waits for the process, reading what it says meanwhile. False at the deadline.
bool AwaitExit(int pid_fd, int output_fd, const SpawnRequest& request, std::string& output) {
  const auto deadline = Clock::now() + request.deadline;
  std::array<pollfd, 2> events = {{{pid_fd, POLLIN, 0}, {output_fd, POLLIN, 0}}};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    ::poll(events.data(), events.size(), static_cast<int>(left.count()));
    // A grandchild may hold the pipe open: the end of the process is what counts.
    if (!Drain(output_fd, request.output_limit_bytes, output)) events[1].fd = -1;
    if ((events[0].revents & POLLIN) != 0) return true;
  }
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const size_t start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

}  // namespace

Result<SpawnOutcome> Spawn(const SpawnRequest& request) {
  const std::string step = fmt::format("run {}", request.argv.at(0));
  ASSIGN_OR_RETURN(Pipe pipe, MakePipe(), step);
  ASSIGN_OR_RETURN(const pid_t pid, Start(request, pipe.write.get()), step);
  pipe.write.reset();

  const UniqueFd pid_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  SpawnOutcome outcome;
  const bool ended =
      pid_fd.valid() && AwaitExit(pid_fd.get(), pipe.read.get(), request, outcome.output);
  if (!ended) ::kill(-pid, SIGKILL);
  outcome.exit_status = Reap(pid);
  if (!ended) {
    return Fail(Code::kDeadlineExceeded, "{}: killed after {} ms", step, request.deadline.count());
  }
  return outcome;
}

Result<> SpawnChecked(const SpawnRequest& request) {
  ASSIGN_OR_RETURN(const SpawnOutcome outcome, Spawn(request));
  if (outcome.exit_status == 0) return {};
  return Fail(Code::kInternal, "run {}: exit status {}: {}", request.argv.at(0),
              outcome.exit_status, LastLine(outcome.output));
}

}  // namespace trivet
