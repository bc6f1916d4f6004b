#include "cri-runtime/container/exec_sync.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "common/linux/pipe.h"

namespace trivet::container {
namespace {

// Of both streams together: the kubelet takes no message above 16 MiB. CVE-2022-31030.
constexpr size_t kMaxOutputBytes = (size_t{16} << 20) - 4096;
constexpr auto kAnswerPatience = std::chrono::seconds(10);

using Clock = cri::ShimConnection::Clock;

// Takes what is there, at most what fits a pipe, as a writer may be as fast as this is: the other
// stream and the end have their turn. Keeps of it what the other stream leaves room for; false at
// the end of the stream.
bool Drain(const UniqueFd& fd, std::string& text, size_t other_bytes) {
  constexpr int kMostReads = 16;
  std::array<char, 65536> piece;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    const size_t room = kMaxOutputBytes - text.size() - other_bytes;
    text.append(piece.data(), std::min(static_cast<size_t>(n), room));
  }
  return true;
}

// Milliseconds, -1 for ever, as poll(2) has it.
int Left(Clock::time_point until) {
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

// Reads both streams until the process has ended, or its deadline: what it left behind may keep
// them open for ever.
void Collect(const UniqueFd& out, const UniqueFd& err, int ended_fd, Clock::time_point until,
             ExecOutput& output) {
  std::array<pollfd, 3> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                               pollfd{ended_fd, POLLIN, 0}};
  bool last = false;
  while (!last) {
    const int ready = ::poll(events.data(), events.size(), Left(until));
    if (ready < 0) continue;
    last = ready == 0 || events[2].revents != 0;
    if (events[0].fd >= 0 && !Drain(out, output.out, output.err.size())) events[0].fd = -1;
    if (events[1].fd >= 0 && !Drain(err, output.err, output.out.size())) events[1].fd = -1;
  }
}

}  // namespace

Result<ExecOutput> RunExec(cri::ShimConnection& shim, const std::string& id,
                           shim::ProcessSpec process, std::chrono::seconds timeout) {
  ASSIGN_OR_RETURN(Pipe out, MakeOutputPipe());
  ASSIGN_OR_RETURN(Pipe err, MakeOutputPipe());
  ExecOutput output;
  const std::chrono::milliseconds limit = timeout;
  const bool limited = limit.count() > 0;
  const shim::ExecRequest request{.id = id,
                                  .process = std::move(process),
                                  .timeout_ms = limit.count(),
                                  .stdout_fd_index = 0,
                                  .stderr_fd_index = 1};
  auto result =
      shim.Call<shim::ExecResult>(shim::Verb::kExec, request, {out.writer.get(), err.writer.get()},
                                  limited ? limit + kAnswerPatience : cri::ShimConnection::kForever,
                                  [&](int ended_fd, Clock::time_point until) {
                                    Collect(out.reader, err.reader, ended_fd, until, output);
                                  });
  if (!result) return std::unexpected(std::move(result).error().Wrap("exec"));
  if (result->timed_out) {
    return Fail(Code::kDeadlineExceeded, "exec: no end within {} s", timeout.count());
  }
  output.exit_code = result->exit_code;
  return output;
}

}  // namespace trivet::container
