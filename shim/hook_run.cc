#include "shim/hook_run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "common/linux/file.h"
#include "common/linux/pipe.h"
#include "shim/pid_namespace.h"
#include "shim/process_tree.h"
#include "shim/report.h"
#include "shim/stdio.h"

namespace trivet::shim {
namespace {

constexpr const char* kOciVersion = "1.3.0";
constexpr size_t kMaxSaidBytes = 1024;

// As the container sees it: the last of "NSpid:", man 5 proc.
pid_t PidInContainer(pid_t pid) {
  constexpr std::string_view kKey = "\nNSpid:";
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/status");
  const size_t at = text ? text->find(kKey) : std::string::npos;
  if (at == std::string::npos) return pid;
  const std::string line = text->substr(at + 1, text->find('\n', at + 1) - at - 1);
  return static_cast<pid_t>(std::atoi(line.c_str() + line.find_last_of(" \t") + 1));
}

// A file, so that it is there whether the hook reads it or not; sealed, as one in the container may
// be hostile.
Result<UniqueFd> StateFile(HookKind kind, const std::string& members, const HookPlace& place) {
  std::string text =
      fmt::format(R"({{"ociVersion":"{}","status":"{}",)", kOciVersion, place.status);
  if (place.pid > 0) {
    text +=
        fmt::format(R"("pid":{},)", IsOfContainer(kind) ? PidInContainer(place.pid) : place.pid);
  }
  text += members + "}\n";
  UniqueFd file(::memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return FailErrno("memfd_create");
  RETURN_IF_ERROR(WriteAll(file.get(), text, "state"));
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0 || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return FailErrno("seal the state");
  }
  return file;
}

// One line of plain text: what says it may be the container's.
std::string Readable(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.pop_back();
  }
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
    if (c < ' ' || c > '~') c = '?';
  }
  return text.empty() ? text : ": " + text;
}

Result<Launch> LaunchInPlace(PlannedHook hook, const HookPlace& place, const HookSet& set) {
  CloneFlags flags;
  int pid_namespace = -1;
  if (IsOfContainer(hook.kind)) {
    flags.cgroup_fd = place.cgroup->birth_fd();
    ASSIGN_OR_RETURN(hook.process.cgroup_procs, place.cgroup->EntryFiles());
    if (!place.in_node_pid_namespace) pid_namespace = place.pidfd;
  }
  ASSIGN_OR_RETURN(const auto born, BornInPidNamespace::Of(pid_namespace));
  if (hook.kind == HookKind::kStartContainer) {
    return LaunchExec(
        {.process = std::move(hook.process), .target_pidfd = place.pidfd, .is_subreaper = true},
        flags);
  }
  HookPlan plan{.process = std::move(hook.process)};
  if (hook.kind == HookKind::kCreateContainer) {
    plan.target_pidfd = place.pidfd;
  } else {
    for (const UniqueFd& fd : set.node_namespaces) plan.namespace_fds.push_back(fd.get());
  }
  return LaunchHook(plan, flags);
}

}  // namespace

Result<std::unique_ptr<HookRun>> HookRun::Launch(PlannedHook hook, const HookPlace& place,
                                                 const HookSet& set, EventLoop& loop,
                                                 Children& children, OnDone on_done) {
  std::string name =
      fmt::format("hook {} {}", Names(hook.kind).at(static_cast<size_t>(hook.kind)), hook.path);
  ASSIGN_OR_RETURN(Pipe pipe, MakeOutputPipe(), name);
  hook.process.stdio[2] = std::move(pipe.writer);
  std::unique_ptr<HookRun> run(
      new HookRun(std::move(name), std::move(pipe.reader), loop, std::move(on_done)));
  RETURN_IF_ERROR(run->Start(std::move(hook), place, set, children), run->name_);
  return run;
}

HookRun::HookRun(std::string name, UniqueFd output, EventLoop& loop, OnDone on_done)
    : name_(std::move(name)),
      loop_(loop),
      on_done_(std::move(on_done)),
      output_(std::move(output)) {}

HookRun::~HookRun() {
  if (timer_) loop_.CancelTimer(*timer_);
  if (output_.valid()) loop_.Remove(output_.get());
}

Result<> HookRun::Start(PlannedHook hook, const HookPlace& place, const HookSet& set,
                        Children& children) {
  ASSIGN_OR_RETURN(hook.process.stdio[0], StateFile(hook.kind, set.state, place));
  ASSIGN_OR_RETURN(hook.process.stdio[1], OpenNull(O_WRONLY));
  RETURN_IF_ERROR(loop_.Add(output_.get(), [this] { TakeOutput(); }));
  const std::chrono::milliseconds timeout = hook.timeout;
  ASSIGN_OR_RETURN(shim::Launch launch, LaunchInPlace(std::move(hook), place, set));
  child_ = std::move(launch.child);
  report_ = std::move(launch.report);
  children.Expect(child_.pid, [this](const ChildExit& exit) { OnExit(exit); });
  timer_ = loop_.AddTimer(timeout, [this, timeout] {
    timer_.reset();
    Kill(Error(Code::kDeadlineExceeded, fmt::format("did not end within {} ms", timeout.count())));
  });
  return {};
}

void HookRun::Abort() {
  Kill(Error(Code::kAborted, "was killed: the container is to end"));
}

void HookRun::Kill(Error reason) {
  if (!killed_) killed_ = std::move(reason);
  KillProcessTree(child_);
}

void HookRun::TakeOutput() {
  char text[4096];
  const ssize_t n = ::read(output_.get(), text, sizeof text);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) {
    said_.append(text, std::min(kMaxSaidBytes - said_.size(), static_cast<size_t>(n)));
    return;
  }
  loop_.Remove(output_.get());
  output_.reset();
}

// What it has said is there; who else holds the pipe is not waited for.
void HookRun::OnExit(const ChildExit& exit) {
  constexpr int kMostReads = 16;
  if (timer_) loop_.CancelTimer(*std::exchange(timer_, std::nullopt));  // the pid is free
  for (int i = 0; i < kMostReads && output_.valid(); ++i) TakeOutput();
  Result<> outcome = Outcome(exit);
  const OnDone done = std::move(on_done_);
  done(std::move(outcome));
}

Result<> HookRun::Outcome(const ChildExit& exit) {
  const auto report = ReadReport(report_.get());
  if (const auto* failure = report ? std::get_if<Failure>(&*report) : nullptr) {
    return std::unexpected(ToError(*failure).Wrap(name_));
  }
  const std::string said = Readable(said_);
  if (killed_) return Fail(killed_->code(), "{}: {}{}", name_, killed_->message(), said);
  if (!exit.executed) return Fail(Code::kInternal, "{}: {}", name_, EndBeforeProgram(exit));
  if (exit.code != 0) return Fail(Code::kInternal, "{}: exit status {}{}", name_, exit.code, said);
  return {};
}

}  // namespace trivet::shim
