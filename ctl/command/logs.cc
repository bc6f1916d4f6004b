#include "ctl/command/logs.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <vector>

#include "common/base/unique_fd.h"
#include "ctl/command/log_line.h"

namespace trivet::ctl {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
// While nothing is written: how often the runtime is asked whether the container still runs.
constexpr int kLookMilliseconds = 1000;

// A log being read: a file that grows, and is exchanged when it is rotated.
class LogReader {
 public:
  LogReader(std::filesystem::path file, const LogOptions& options)
      : file_(std::move(file)), options_(options) {}

  Result<> Open() {
    fd_ = UniqueFd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_.valid()) return FailErrno("open log {}", file_.native());
    pending_.clear();
    return {};
  }

  // Everything that is there now.
  Result<> Drain() {
    std::vector<char> block(kBlockBytes);
    while (true) {
      const ssize_t n = ::read(fd_.get(), block.data(), block.size());
      if (n < 0) return FailErrno("read log {}", file_.native());
      if (n == 0) return {};
      pending_.append(block.data(), static_cast<size_t>(n));
      // The last lines are known only when all have been seen.
      if (options_.tail) continue;
      RETURN_IF_ERROR(Print());
    }
  }

  Result<> Print() {
    ASSIGN_OR_RETURN(const size_t printed, PrintLogText(pending_, options_, {std::cout, std::cerr}),
                     file_.native());
    pending_.erase(0, printed);
    options_.tail.reset();
    return {};
  }

  // Another file has the name: the runtime rotated the log.
  [[nodiscard]] bool IsReplaced() const {
    struct stat mine{};
    struct stat current{};
    if (::fstat(fd_.get(), &mine) != 0 || ::stat(file_.c_str(), &current) != 0) return false;
    return mine.st_ino != current.st_ino || mine.st_dev != current.st_dev;
  }

 private:
  std::filesystem::path file_;
  LogOptions options_;
  UniqueFd fd_;
  std::string pending_;
};

Result<> AwaitChange(int inotify_fd) {
  pollfd event{.fd = inotify_fd, .events = POLLIN, .revents = 0};
  if (::poll(&event, 1, kLookMilliseconds) < 0 && errno != EINTR) return FailErrno("poll");
  std::array<char, 4096> events{};
  // Which event it was does not matter: the log is looked at.
  while (::read(inotify_fd, events.data(), events.size()) > 0) {
  }
  return {};
}

Result<> Follow(Cri& cri, const std::string& id, const std::filesystem::path& file,
                LogReader& reader) {
  const UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return FailErrno("inotify");
  if (::inotify_add_watch(inotify.get(), file.parent_path().c_str(),
                          IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
    return FailErrno("watch {}", file.parent_path().native());
  }
  while (true) {
    ASSIGN_OR_RETURN(const auto status, ReadContainerStatus(cri, id));
    RETURN_IF_ERROR(reader.Drain());  // after the status: what an ended container wrote is there
    if (reader.IsReplaced()) {
      RETURN_IF_ERROR(reader.Open());
      continue;
    }
    std::cout.flush();
    if (status.state() == ::runtime::v1::CONTAINER_EXITED) return {};
    RETURN_IF_ERROR(AwaitChange(inotify.get()));
  }
}

// Where the last `count` lines begin; a trailing part of a line does not count.
size_t TailOffset(std::string_view text, size_t count) {
  size_t at = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  for (; count > 0 && at > 0; --count) {
    const size_t previous = at < 2 ? std::string_view::npos : text.rfind('\n', at - 2);
    at = previous == std::string_view::npos ? 0 : previous + 1;
  }
  return at;
}

}  // namespace

Result<size_t> PrintLogText(std::string_view text, const LogOptions& options, LogOutput output) {
  size_t at = options.tail ? TailOffset(text, *options.tail) : 0;
  while (true) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return at;
    ASSIGN_OR_RETURN(const LogLine line, ParseLogLine(text.substr(at, end - at)));
    std::ostream& out = line.is_stderr ? output.err : output.out;
    if (options.timestamps) out << line.time << ' ';
    out << line.text;
    if (!line.partial) out << '\n';
    at = end + 1;
  }
}

Result<> PrintLogs(const std::filesystem::path& cri_socket, const TargetName& name,
                   const LogOptions& options) {
  ASSIGN_OR_RETURN(Cri cri, Cri::Connect(cri_socket));
  ASSIGN_OR_RETURN(const auto status, FindContainer(cri, name));
  if (status.log_path().empty()) {
    return Fail(Code::kNotFound, "pod {}: the container has no log", name.pod);
  }
  LogReader reader(status.log_path(), options);
  RETURN_IF_ERROR(reader.Open());
  RETURN_IF_ERROR(reader.Drain());
  RETURN_IF_ERROR(reader.Print());
  if (!options.follow) return {};
  return Follow(cri, status.id(), status.log_path(), reader);
}

}  // namespace trivet::ctl
