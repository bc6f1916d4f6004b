#include "common/linux/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/linux/file.h"
#include "common/linux/pipe.h"
#include "common/linux/spawn.h"

namespace trivet {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Above every number in the child: a dup2 must not overwrite a later source.
Result<> MoveAbove(const InheritedFds& fds, SpawnPlan& plan) {
  for (const auto& [number, fd] : fds) plan.above = std::max(plan.above, number + 1);
  for (const auto& [number, fd] : fds) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, plan.above));
    if (!copy.valid()) return FailErrno("duplicate descriptor {}", fd);
    plan.fds.emplace_back(number, std::move(copy));
  }
  return {};
}

// A memfd as standard input: a pipe could fill up and stop both sides.
Result<UniqueFd> InputOf(std::string_view input) {
  UniqueFd file(::memfd_create("stdin", MFD_CLOEXEC));
  if (!file.valid()) return FailErrno("memfd_create stdin");
  RETURN_IF_ERROR(WriteAll(file.get(), input, "stdin"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return FailErrno("seek stdin");
  return file;
}

// What a program writes until it ends. A child of it may keep the pipes open: the program's own end
// is what counts; what is in the pipes by then is taken without waiting.
class Collector {
 public:
  Collector(const Child& child, const Pipe& out, const Pipe& err, const RunLimits& limits)
      : limits_(limits),
        events_{pollfd{out.reader.get(), POLLIN, 0}, pollfd{err.reader.get(), POLLIN, 0},
                pollfd{child.pidfd.get(), POLLIN, 0}} {}

  Result<> CollectInto(RunOutput& output) {
    while (Waiting()) {
      ASSIGN_OR_RETURN(const bool ready, Wait());
      if (!ready && ended()) return {};
      if (events_[0].revents != 0) RETURN_IF_ERROR(Take(events_[0], output.out));
      if (events_[1].revents != 0) RETURN_IF_ERROR(Take(events_[1], output.err));
      if (events_[2].revents != 0) events_[2].fd = -1;
    }
    return {};
  }

 private:
  [[nodiscard]] bool ended() const { return events_[2].fd < 0; }
  [[nodiscard]] bool Waiting() const {
    return std::ranges::any_of(events_, [](const pollfd& event) { return event.fd >= 0; });
  }

  // False when nothing happened (in the time left, or now when the program has ended).
  Result<bool> Wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (!ended() && left.count() <= 0) {
      return Fail(Code::kDeadlineExceeded, "no end within {} ms", limits_.timeout.count());
    }
    for (pollfd& event : events_) event.revents = 0;
    const int ready =
        ::poll(events_.data(), events_.size(), ended() ? 0 : static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return FailErrno("poll");
    return ready > 0;
  }

  Result<> Take(pollfd& event, std::string& text) const {
    std::array<char, 16384> piece;
    const ssize_t n = ::read(event.fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) return {};
    if (n < 0) return FailErrno("read output");
    text.append(piece.data(), std::min(static_cast<size_t>(n), limits_.output_bytes - text.size()));
    if (n == 0) event.fd = -1;
    return {};
  }

  const RunLimits& limits_;
  const Clock::time_point deadline_ = Clock::now() + limits_.timeout;
  std::array<pollfd, 3> events_;
};

}  // namespace

Result<Child> StartCommand(const Command& command, const InheritedFds& fds) {
  std::vector<std::string> args = command.args;
  const std::string& name = command.name.empty() ? command.program.native() : command.name;
  args.insert(args.begin(), name);
  const std::vector<char*> argv = Pointers(args);
  static const std::vector<std::string> none;
  const std::vector<char*> environment =
      Pointers(command.environment ? *command.environment : none);
  SpawnPlan plan{.program = command.program.c_str(),
                 .args = argv.data(),
                 .environment = command.environment ? environment.data() : environ};
  RETURN_IF_ERROR(MoveAbove(fds, plan));
  return Spawn(plan);
}

Result<RunOutput> RunCommand(const Command& command, std::string_view input,
                             const RunLimits& limits) {
  ASSIGN_OR_RETURN(const UniqueFd stdin_file, InputOf(input));
  ASSIGN_OR_RETURN(Pipe out, MakePipe());
  ASSIGN_OR_RETURN(Pipe err, MakePipe());
  ASSIGN_OR_RETURN(
      const Child child,
      StartCommand(command, {{0, stdin_file.get()}, {1, out.writer.get()}, {2, err.writer.get()}}));
  out.writer.reset();
  err.writer.reset();

  RunOutput output;
  const auto collected = Collector(child, out, err, limits).CollectInto(output);
  // Not reaped yet: the group is still its own.
  if (!collected) ::kill(-child.pid, SIGKILL);
  ASSIGN_OR_RETURN(output.exit_code, Reap(child.pidfd));
  RETURN_IF_ERROR(collected, command.program.native());
  return output;
}

}  // namespace trivet
