#include "shim/exec.h"

#include "shim/pid_namespace.h"
#include "shim/process_tree.h"
#include "shim/report.h"

namespace trivet::shim {
namespace {

Result<Launch> LaunchInGroup(const ExecPlan& plan, const Container& container) {
  auto launch = LaunchExec(plan, {.cgroup_fd = container.cgroup()->birth_fd()});
  if (launch || launch.error().sys_errno() != EBUSY) return launch;
  ASSIGN_OR_RETURN(const UniqueFd group, container.cgroup()->OpenGroupOf(container.state().pid));
  return LaunchExec(plan, {.cgroup_fd = group.get()});
}

}  // namespace

Result<std::unique_ptr<Exec>> Exec::Launch(const Container& container, ProcessPlan plan,
                                           std::chrono::milliseconds timeout, EventLoop& loop,
                                           Children& children) {
  if (!container.executes()) return Fail(Code::kFailedPrecondition, "container is not running");
  const bool has_timeout = timeout.count() > 0;
  ExecPlan exec_plan{
      .process = std::move(plan), .target_pidfd = container.pidfd(), .is_subreaper = has_timeout};
  ASSIGN_OR_RETURN(exec_plan.process.cgroup_procs, container.cgroup()->EntryFiles());
  const bool in_node = container.pid_mode() == NamespaceMode::kNode;
  ASSIGN_OR_RETURN(const auto born, BornInPidNamespace::Of(in_node ? -1 : container.pidfd()));
  ASSIGN_OR_RETURN(shim::Launch launch, LaunchInGroup(exec_plan, container), "exec");

  std::unique_ptr<Exec> exec(new Exec(loop, std::move(launch), container.cgroup()));
  Exec* self = exec.get();
  children.Expect(self->child_.pid, [self](const ChildExit& exit) { self->OnExit(exit); });
  if (has_timeout) {
    self->timer_ = loop.AddTimer(timeout, [self] {
      self->timer_.reset();
      self->result_.timed_out = true;
      self->Kill();
    });
  }
  return exec;
}

Exec::Exec(EventLoop& loop, shim::Launch launch, std::shared_ptr<const ContainerCgroup> cgroup)
    : loop_(loop),
      child_(std::move(launch.child)),
      report_(std::move(launch.report)),
      cgroup_(std::move(cgroup)) {}

Exec::~Exec() {
  if (timer_) loop_.CancelTimer(*timer_);
}

void Exec::Kill() {
  KillProcessTree(child_);
}

// Only now: a success is no news, and after a failure the child ends at once.
void Exec::TakeReport() {
  auto report = ReadReport(report_.get());
  if (!report) {
    error_ = std::move(report).error();
  } else if (const auto* failure = std::get_if<Failure>(&*report)) {
    error_ = ToError(*failure).Wrap("exec");
  }
}

void Exec::OnExit(const ChildExit& exit) {
  TakeReport();
  if (timer_) loop_.CancelTimer(*std::exchange(timer_, std::nullopt));  // the pid is free
  result_.exit_code = exit.code;
  if (!exit.executed && !error_ && !result_.timed_out) error_ = EndBeforeExecve(exit);
  const OnDone done = std::move(on_done_);
  if (error_) return done(std::unexpected(*error_));
  done(result_);
}

// Kills are counted since the container's start, so that an exec need not read the count.
Error Exec::EndBeforeExecve(const ChildExit& exit) const {
  const char* cause = cgroup_->HasOomKills() ? ", perhaps for lack of memory" : "";
  return {Code::kAborted, "exec: " + EndBeforeProgram(exit) + cause};
}

}  // namespace trivet::shim
