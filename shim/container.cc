#include "shim/container.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/linux/file.h"
#include "proto/trivet/wire.h"
#include "shim/clock.h"
#include "shim/pid_namespace.h"
#include "shim/report.h"

namespace trivet::shim {
namespace {

// A process that left the container's group may hold its output open for ever.
constexpr std::chrono::seconds kDrainPatience{1};
// Of hooks that hold up a removal: less than the daemon's patience with it.
constexpr std::chrono::seconds kLastHooksPatience{10};
constexpr const char* kKilledInHooks = "container init: was killed while its hooks ran";

Result<UniqueFd> MakeInputPipe(UniqueFd& writer) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  writer.reset(ends[1]);
  return UniqueFd(ends[0]);
}

// Taken in the node's mount namespace, to be attached in the container's over masked files.
Result<UniqueFd> BindNull() {
  ASSIGN_OR_RETURN(const UniqueFd null, OpenNull(O_PATH));
  ASSIGN_OR_RETURN(DetachedMount tree, DetachedMount::Bind(null.get()));
  return std::move(tree).TakeFd();
}

}  // namespace

Result<std::unique_ptr<Container>> Container::Create(const ContainerSpec& spec, InitPlan plan,
                                                     HookSet hooks, EventLoop& loop,
                                                     Children& children, OnExited on_exited) {
  ASSIGN_OR_RETURN(ContainerCgroup cgroup, ContainerCgroup::Open(spec));
  Kept kept{.id = spec.id,
            .pid = spec.pid,
            .pid_target = spec.pid_target,
            .log_path = spec.log_path,
            .exit_path = spec.exit_path,
            .stdin_open = spec.stdin_open};
  return std::unique_ptr<Container>(new Container(std::move(kept), std::move(plan),
                                                  std::move(hooks), std::move(cgroup), loop,
                                                  children, std::move(on_exited)));
}

Container::Container(Kept spec, InitPlan plan, HookSet hooks, ContainerCgroup cgroup,
                     EventLoop& loop, Children& children, OnExited on_exited)
    : spec_(std::move(spec)),
      plan_(std::move(plan)),
      cgroup_(std::move(cgroup)),
      loop_(loop),
      children_(children),
      on_exited_(std::move(on_exited)) {
  exit_.id = spec_.id;
  if (!hooks.hooks.empty()) hooks_ = std::make_unique<Hooks>(std::move(hooks), loop, children);
}

Container::~Container() {
  if (drain_timer_) loop_.CancelTimer(*drain_timer_);
  if (last_hooks_timer_) loop_.CancelTimer(*last_hooks_timer_);
  if (report_.valid()) loop_.Remove(report_.get());
}

void Container::Start(int pid_namespace_pidfd, OnStarted on_started) {
  if (phase_ != ContainerPhase::kCreated || !plan_) {
    return on_started(Fail(Code::kFailedPrecondition, "container {} was started before", spec_.id));
  }
  on_started_ = std::move(on_started);
  const auto launched = Launch(pid_namespace_pidfd);
  plan_.reset();
  ::malloc_trim(0);  // the seccomp filter and the texts: none is needed again
  if (launched) return;
  start_error_ = launched.error();
  // There is a child already: its end is the start's.
  if (phase_ == ContainerPhase::kRunning) return Kill();
  streams_.clear();
  exit_.finished_at_ns = UnixTimeNs();
  Finish();
}

Result<> Container::Launch(int pid_namespace_pidfd) {
  RETURN_IF_ERROR(PrepareInput());
  RETURN_IF_ERROR(PrepareOutput());
  ASSIGN_OR_RETURN(plan_->process.cgroup_procs, cgroup_.OpenProcs());
  ASSIGN_OR_RETURN(plan_->null_tree, BindNull());
  oom_kills_before_ = cgroup_.ReadOomKills();

  CloneFlags flags{.cgroup_fd = cgroup_.birth_fd()};
  if (spec_.pid == NamespaceMode::kContainer) {
    const bool later = plan_->process.user_namespace.fd >= 0;  // the child, when it is in there
    plan_->process.user_namespace.new_pid_namespace = later;
    flags.flags |= later ? 0 : CLONE_NEWPID;
  }
  ASSIGN_OR_RETURN(const auto born, BornInPidNamespace::Of(pid_namespace_pidfd));
  ASSIGN_OR_RETURN(struct Launch launch, LaunchContainer(*plan_, flags), "container init");
  child_ = std::move(launch.child);
  report_ = std::move(launch.report);
  phase_ = ContainerPhase::kRunning;
  children_.Expect(child_.pid, [this](int exit_code) { OnMainExit(exit_code); });
  start_time_ = ReadStartTime(child_.pid).value_or(0);
  return loop_.Add(report_.get(), [this] { TakeReports(); });
}

Result<> Container::PrepareInput() {
  if (plan_->process.terminal) return {};
  if (spec_.stdin_open) {
    ASSIGN_OR_RETURN(plan_->process.stdio[0], MakeInputPipe(stdin_), "stdin");
  } else {
    ASSIGN_OR_RETURN(plan_->process.stdio[0], OpenNull(O_RDONLY), "stdin");
  }
  return {};
}

Result<> Container::PrepareOutput() {
  if (!spec_.log_path.empty()) {
    ASSIGN_OR_RETURN(log_, LogFile::Open(spec_.log_path));
  }
  if (plan_->process.terminal) return {};  // its one stream comes from the child
  for (const LogStream name : {LogStream::kStdout, LogStream::kStderr}) {
    ASSIGN_OR_RETURN(Pipe pipe, MakeOutputPipe());
    RETURN_IF_ERROR(AddStream(std::move(pipe.reader), name));
    plan_->process.stdio[name == LogStream::kStdout ? 1 : 2] = std::move(pipe.writer);
  }
  return {};
}

Result<> Container::AddStream(UniqueFd reader, LogStream name) {
  ASSIGN_OR_RETURN(auto stream, OutputStream::Open(loop_, std::move(reader), log_, name,
                                                   [this] { FinishWhenDrained(); }));
  streams_.push_back(std::move(stream));
  return {};
}

void Container::TakeReports() {
  auto report = ReadReport(report_.get());
  if (!report) {
    start_error_ = std::move(report).error();
  } else if (auto* terminal = std::get_if<UniqueFd>(&*report)) {
    ::fcntl(terminal->get(), F_SETFL, O_NONBLOCK);
    if (auto added = AddStream(std::move(*terminal), LogStream::kStdout); !added) Kill();
    return;
  } else if (const auto* failure = std::get_if<Failure>(&*report)) {
    start_error_ = ToError(*failure).Wrap("container init");
  } else if (const auto* point = std::get_if<HookPoint>(&*report)) {
    return RunHooksAt(*point);
  }
  loop_.Remove(report_.get());
  report_.reset();
  if (awaits_hooks_) FailStart(Error(Code::kAborted, kKilledInHooks));
  if (!start_error_) OnExecuted();
}

void Container::OnExecuted() {
  if (hooks_ == nullptr || start_given_up_) return AnswerStarted();
  RunStartHooks({HookKind::kPoststart}, "running", &Container::AnswerStarted);
}

// The first process waits meanwhile.
void Container::RunHooksAt(const HookPoint& point) {
  awaits_hooks_ = true;
  if (ended_ || start_given_up_) return FailStart(Error(Code::kAborted, kKilledInHooks));
  if (point.in_root) {
    return RunStartHooks({HookKind::kStartContainer}, "created", &Container::GoOnAfterHooks);
  }
  RunStartHooks({HookKind::kPrestart, HookKind::kCreateRuntime, HookKind::kCreateContainer},
                "creating", &Container::GoOnAfterHooks);
}

void Container::RunStartHooks(std::initializer_list<HookKind> kinds, std::string_view status,
                              void (Container::*then)()) {
  const HookPlace place{.status = status,
                        .pid = child_.pid,
                        .pidfd = child_.pidfd.get(),
                        .in_node_pid_namespace = spec_.pid == NamespaceMode::kNode,
                        .cgroup = &cgroup_};
  hooks_->Run(kinds, place, [this, then](Result<> run) {
    if (run) {
      (this->*then)();
    } else {
      FailStart(std::move(run).error());
    }
    if (drained_) Finish();
  });
}

void Container::GoOnAfterHooks() {
  const char done = 'd';
  awaits_hooks_ = ::send(report_.get(), &done, sizeof done, MSG_NOSIGNAL) != sizeof done;
  if (awaits_hooks_) FailStart(Error(Code::kAborted, kKilledInHooks));
}

// The first reason counts.
void Container::FailStart(Error error) {
  if (!start_error_) start_error_ = std::move(error);
  Kill();
}

// Whoever ends a container does not wait for its hooks.
void Container::GiveUpStart() {
  if (hooks_ == nullptr || phase_ != ContainerPhase::kRunning) return;
  start_given_up_ = true;
  hooks_->Abort();
}

void Container::AnswerStarted() {
  AnswerStart(Started{child_.pid, start_time_});
}

void Container::AnswerStart(Result<Started> result) {
  if (!on_started_) return;
  const OnStarted answer = std::exchange(on_started_, nullptr);
  answer(std::move(result));
}

void Container::OnMainExit(int exit_code) {
  ended_ = true;
  exit_.exit_code = exit_code;
  while (report_.valid()) TakeReports();  // it is all there: the child is gone
  exit_.finished_at_ns = UnixTimeNs();
  exit_.oom_killed = cgroup_.ReadOomKills() > oom_kills_before_;
  // A PID namespace of its own went with its first process; elsewhere others may be left.
  if (spec_.pid != NamespaceMode::kContainer) cgroup_.Kill();
  drain_timer_ = loop_.AddTimer(kDrainPatience, [this] {
    drain_timer_.reset();
    for (const auto& stream : streams_) stream->DrainAndClose();
    Finish();
  });
  for (const auto& stream : streams_) stream->EndAtHangup();
  FinishWhenDrained();
}

void Container::FinishWhenDrained() {
  if (!ended_ || !drain_timer_) return;
  if (std::ranges::any_of(streams_, [](const auto& stream) { return !stream->ended(); })) return;
  loop_.CancelTimer(*std::exchange(drain_timer_, std::nullopt));
  // Later, as a stream may be what calls: Finish removes it.
  drain_timer_ = loop_.AddTimer({}, [this] {
    drain_timer_.reset();
    Finish();
  });
}

// The record first: whoever hears of the exit finds it. Before it the answer to the start, which
// may wait for hooks: then they lead here again.
void Container::Finish() {
  ended_ = drained_ = true;
  if (hooks_ != nullptr && !hooks_->idle()) return;
  phase_ = ContainerPhase::kExited;
  streams_.clear();
  stdin_.reset();
  log_ = LogFile::Discard();
  if (start_error_) exit_.exit_code = kStartFailedCode;
  if (!spec_.exit_path.empty()) {
    if (auto written = WriteFileVolatile(spec_.exit_path, wire::Encode(exit_)); !written) {
      WriteLogLine(LogLevel::kError, "trivet-shim", written.error().message());
    }
  }
  if (start_error_) AnswerStart(std::unexpected(*start_error_));
  const bool has_last_hooks = hooks_ != nullptr && child_.pid != 0;
  gone_ = !has_last_hooks;
  on_exited_(exit_);
  if (has_last_hooks) return RunLastHooks();
  for (const auto& work : std::exchange(when_gone_, {})) work();
}

void Container::RunLastHooks() {
  hooks_->Run({HookKind::kPoststop}, {.status = "stopped"}, [this](const Result<>& /*logged*/) {
    gone_ = true;
    if (last_hooks_timer_) loop_.CancelTimer(*std::exchange(last_hooks_timer_, std::nullopt));
    for (const auto& work : std::exchange(when_gone_, {})) work();
  });
  if (!when_gone_.empty()) LimitLastHooks();
}

void Container::LimitLastHooks() {
  if (last_hooks_timer_) return;
  last_hooks_timer_ = loop_.AddTimer(kLastHooksPatience, [this] {
    last_hooks_timer_.reset();
    hooks_->Abort();
  });
}

Result<> Container::Signal(const SignalRequest& request) {
  if (request.signal < 1 || request.signal >= NSIG) {
    return Fail(Code::kInvalidArgument, "signal {} does not exist", request.signal);
  }
  if (phase_ == ContainerPhase::kCreated) {
    return Fail(Code::kFailedPrecondition, "container {} is not running", spec_.id);
  }
  if (request.signal == SIGKILL) GiveUpStart();
  if (!running()) return {};
  if (request.all) RETURN_IF_ERROR(cgroup_.Signal(request.signal));
  return SendSignal(child_.pidfd, request.signal);
}

Result<> Container::ReopenLog() {
  if (phase_ != ContainerPhase::kRunning) {
    return Fail(Code::kFailedPrecondition, "container {} is not running", spec_.id);
  }
  return log_.Reopen();
}

void Container::Kill() {
  GiveUpStart();
  if (!running()) return;
  cgroup_.Kill();
  if (auto sent = SendSignal(child_.pidfd, SIGKILL); !sent) {
    WriteLogLine(LogLevel::kError, "trivet-shim", sent.error().message());
  }
}

void Container::WhenGone(std::function<void()> work) {
  if (gone()) return work();
  when_gone_.push_back(std::move(work));
  if (phase_ == ContainerPhase::kExited) LimitLastHooks();
}

ContainerState Container::state() const {
  return {
      .id = spec_.id, .phase = phase_, .pid = child_.pid, .start_time = start_time_, .exit = exit_};
}

}  // namespace trivet::shim
