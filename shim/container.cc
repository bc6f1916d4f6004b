#include "shim/container.h"

#include <signal.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/linux/file.h"
#include "proto/trivet/wire.h"
#include "shim/clock.h"
#include "shim/report.h"

namespace trivet::shim {
namespace {

// A process that left the container's group may hold its output open for ever.
constexpr std::chrono::seconds kDrainPatience{1};
// Of hooks that hold up a removal: less than the daemon's patience with it.
constexpr std::chrono::seconds kLastHooksPatience{10};

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
      cgroup_(std::make_shared<ContainerCgroup>(std::move(cgroup))),
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

void Container::OnMainExit(const ChildExit& exit) {
  ended_ = true;
  executed_ = exit.executed;
  exit_.exit_code = exit.code;
  while (report_.valid()) TakeReports();  // it is all there: the child is gone
  if (!executed_ && !start_error_) start_error_ = EndBeforeStart();
  if (phase_ == ContainerPhase::kCreated) return CallWhenGone();  // the start reports it
  exit_.finished_at_ns = UnixTimeNs();
  exit_.oom_killed = cgroup_->HasOomKills();
  // A PID namespace of its own went with its first process; elsewhere others may be left.
  if (spec_.pid != NamespaceMode::kContainer) cgroup_->Kill();
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
  CallWhenGone();
}

void Container::CallWhenGone() {
  for (const auto& work : std::exchange(when_gone_, {})) work();
}

void Container::RunLastHooks() {
  hooks_->Run({HookKind::kPoststop}, {.status = "stopped"}, [this](const Result<>& /*logged*/) {
    gone_ = true;
    if (last_hooks_timer_) loop_.CancelTimer(*std::exchange(last_hooks_timer_, std::nullopt));
    CallWhenGone();
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
  if (request.all) RETURN_IF_ERROR(cgroup_->Signal(request.signal));
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
  if (!alive()) return;
  cgroup_->Kill();
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
  ContainerState state{.id = spec_.id, .phase = phase_, .exit = exit_};
  if (phase_ == ContainerPhase::kCreated) return state;
  state.pid = child_.pid;
  state.start_time = start_time_;
  return state;
}

}  // namespace trivet::shim
