// The start of a container: Container's functions from CreateContainer's end to the answer of
// StartContainer.
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/linux/pipe.h"
#include "shim/clock.h"
#include "shim/container.h"
#include "shim/pid_namespace.h"

namespace trivet::shim {
namespace {

constexpr const char* kKilledInHooks = "container init: was killed while its hooks ran";

// Taken in the node's mount namespace, to be attached in the container's over masked files.
Result<UniqueFd> BindNull() {
  ASSIGN_OR_RETURN(const UniqueFd null, OpenNull(O_PATH));
  ASSIGN_OR_RETURN(DetachedMount tree, DetachedMount::Bind(null.get()));
  return std::move(tree).TakeFd();
}

}  // namespace

void Container::Start(int pid_namespace_pidfd, OnStarted on_started) {
  if (phase_ != ContainerPhase::kCreated) {
    return on_started(Fail(Code::kFailedPrecondition, "container {} was started before", spec_.id));
  }
  on_started_ = std::move(on_started);
  if (child_.pid != 0) return Release();
  plan_->process.is_held = false;
  const auto launched = Launch(pid_namespace_pidfd);
  if (child_.pid != 0) phase_ = ContainerPhase::kRunning;
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

void Container::PrepareStart() {
  if (phase_ != ContainerPhase::kCreated || child_.pid != 0 || hooks_ != nullptr) return;
  if (spec_.pid != NamespaceMode::kContainer || plan_->process.user_namespace.fd >= 0) return;
  plan_->process.is_held = true;
  const auto launched = Launch(-1);
  if (child_.pid == 0) return ForgetLaunch();  // the start tries again
  plan_.reset();
  ::malloc_trim(0);
  if (launched) return;
  streams_.clear();
  FailStart(launched.error());
}

// What is held for a process that is not there.
void Container::ForgetLaunch() {
  streams_.clear();
  plan_->process.stdio = {};
  plan_->null_tree.reset();
  stdin_.reset();
  log_ = LogFile::Discard();
}

void Container::Release() {
  phase_ = ContainerPhase::kRunning;
  if (ended_) return OnMainExit({.code = exit_.exit_code, .executed = false});
  if (start_error_ || !report_.valid()) return Kill();
  if (auto joined = cgroup_->JoinLate(child_.pid); !joined) {
    return FailStart(std::move(joined).error().Wrap("container init: cgroup"));
  }
  if (!SendWord()) Kill();
}

// The first process goes on with it.
bool Container::SendWord() const {
  const char word = 1;
  return ::send(report_.get(), &word, sizeof word, MSG_NOSIGNAL) == sizeof word;
}

Result<> Container::Launch(int pid_namespace_pidfd) {
  RETURN_IF_ERROR(PrepareInput());
  RETURN_IF_ERROR(PrepareOutput());
  ASSIGN_OR_RETURN(plan_->process.cgroup_procs, cgroup_->EntryFiles());
  ASSIGN_OR_RETURN(plan_->null_tree, BindNull());
  cgroup_->WatchOomKills();

  CloneFlags flags{.cgroup_fd = cgroup_->birth_fd()};
  if (spec_.pid == NamespaceMode::kContainer) {
    const bool later = plan_->process.user_namespace.fd >= 0;  // the child, when it is in there
    plan_->process.user_namespace.new_pid_namespace = later;
    flags.flags |= later ? 0 : CLONE_NEWPID;
  }
  ASSIGN_OR_RETURN(const auto born, BornInPidNamespace::Of(pid_namespace_pidfd));
  ASSIGN_OR_RETURN(struct Launch launch, LaunchContainer(*plan_, flags), "container init");
  child_ = std::move(launch.child);
  report_ = std::move(launch.report);
  children_.Expect(child_.pid, [this](const ChildExit& exit) { OnMainExit(exit); });
  start_time_ = ReadStartTime(child_.pid).value_or(0);
  return loop_.Add(report_.get(), [this] { TakeReports(); });
}

Result<> Container::PrepareInput() {
  if (plan_->process.terminal) return {};
  if (spec_.stdin_open) {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe(), "stdin");
    plan_->process.stdio[0] = std::move(pipe.reader);
    stdin_ = std::move(pipe.writer);
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
  } else if (std::holds_alternative<Unheard>(*report)) {
    return;  // its end says it, unless a better reason comes
  }
  loop_.Remove(report_.get());
  report_.reset();
  if (awaits_hooks_) FailStart(Error(Code::kAborted, kKilledInHooks));
  if (start_error_) return;
  if (!ended_) executed_ = HasExecuted(child_.pidfd);
  if (executed_) OnExecuted();  // else its end, which is near, is the start's
}

// Without a word of its own.
Error Container::EndBeforeStart() const {
  if (cgroup_->HasOomKills()) {
    return {Code::kAborted, "container init: was killed for lack of memory, the limit is too low"};
  }
  return {Code::kAborted, "container init: " + EndBeforeProgram({.code = exit_.exit_code})};
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
                        .cgroup = cgroup_.get()};
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
  awaits_hooks_ = !SendWord();
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

}  // namespace trivet::shim
