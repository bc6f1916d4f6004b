#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/children.h"
#include "shim/container_cgroup.h"
#include "shim/container_init.h"
#include "shim/event_loop.h"
#include "shim/hooks.h"
#include "shim/init_plan.h"
#include "shim/log_file.h"
#include "shim/report.h"
#include "shim/stdio.h"

namespace trivet::shim {

/// One container: created, then running, then exited, and never back.
class Container {
 public:
  using OnStarted = std::function<void(Result<Started>)>;
  using OnExited = std::function<void(const ExitRecord&)>;

  /// `on_exited` is called once, after the start was answered, the record is on disk and the output
  /// in the log.
  static Result<std::unique_ptr<Container>> Create(const ContainerSpec& spec, InitPlan plan,
                                                   HookSet hooks, EventLoop& loop,
                                                   Children& children, OnExited on_exited);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// `pid_namespace_pidfd` is a process in the PID namespace to be born in, or -1.
  /// Errors, by `on_started`: kFailedPrecondition when it was started before; "container init:
  /// ...".
  void Start(int pid_namespace_pidfd, OnStarted on_started);
  /// Makes its first process, which does all that does not depend on the start and waits for it.
  /// Only where nobody else is in the PID namespace: until it executes the container's program it
  /// is a part of the shim. What fails here the start reports.
  void PrepareStart();
  /// Errors: kFailedPrecondition before the start; after the exit it is success.
  Result<> Signal(const SignalRequest& request);
  /// Errors: kFailedPrecondition unless it runs.
  Result<> ReopenLog();
  void Kill();
  /// Neither a process nor a hook of it is there.
  [[nodiscard]] bool gone() const { return phase_ == ContainerPhase::kCreated ? !alive() : gone_; }
  /// Calls `work` when it is gone: now, or later. What is left of its poststop hooks gets some
  /// seconds from now on.
  void WhenGone(std::function<void()> work);

  [[nodiscard]] ContainerState state() const;
  [[nodiscard]] NamespaceMode pid_mode() const { return spec_.pid; }
  [[nodiscard]] const std::string& pid_target() const { return spec_.pid_target; }
  /// Of its first process, while it runs; else -1.
  [[nodiscard]] int pidfd() const { return running() ? child_.pidfd.get() : -1; }
  /// Whether its program runs. Until then the first process may see all of the node.
  [[nodiscard]] bool executes() const { return running() && executed_ && !start_error_; }
  /// May be kept longer than the container is.
  [[nodiscard]] std::shared_ptr<const ContainerCgroup> cgroup() const { return cgroup_; }

 private:
  // What is kept of the spec for the container's life.
  struct Kept {
    std::string id;
    NamespaceMode pid = NamespaceMode::kPod;
    std::string pid_target;
    std::string log_path;
    std::string exit_path;
    bool stdin_open = false;
  };
  Container(Kept spec, InitPlan plan, HookSet hooks, ContainerCgroup cgroup, EventLoop& loop,
            Children& children, OnExited on_exited);

  [[nodiscard]] bool running() const { return phase_ == ContainerPhase::kRunning && !ended_; }
  [[nodiscard]] bool alive() const { return child_.pid != 0 && !ended_; }
  Result<> Launch(int pid_namespace_pidfd);
  void ForgetLaunch();
  void Release();
  [[nodiscard]] bool SendWord() const;
  Result<> PrepareOutput();
  Result<> PrepareInput();
  Result<> AddStream(UniqueFd reader, LogStream name);
  void TakeReports();
  [[nodiscard]] Error EndBeforeStart() const;
  void OnExecuted();
  void RunHooksAt(const HookPoint& point);
  void RunStartHooks(std::initializer_list<HookKind> kinds, std::string_view status,
                     void (Container::*then)());
  void GoOnAfterHooks();
  void FailStart(Error error);
  void GiveUpStart();
  void AnswerStarted();
  void AnswerStart(Result<Started> result);
  void OnMainExit(const ChildExit& exit);
  void FinishWhenDrained();
  void Finish();
  void CallWhenGone();
  void RunLastHooks();
  void LimitLastHooks();

  Kept spec_;
  std::optional<InitPlan> plan_;  // until the first process is made
  std::shared_ptr<ContainerCgroup> cgroup_;
  EventLoop& loop_;
  Children& children_;
  OnExited on_exited_;
  OnStarted on_started_;

  ContainerPhase phase_ = ContainerPhase::kCreated;
  bool executed_ = false;  // the first process, the container's program
  bool ended_ = false;     // the first process; the phase follows when the output is drained
  bool drained_ = false;
  bool gone_ = false;
  Child child_;
  uint64_t start_time_ = 0;
  UniqueFd report_;
  std::optional<Error> start_error_;
  LogFile log_ = LogFile::Discard();
  UniqueFd stdin_;  // the other side of an open standard input
  std::vector<std::unique_ptr<OutputStream>> streams_;
  std::optional<EventLoop::Timer> drain_timer_;
  ExitRecord exit_;
  std::vector<std::function<void()>> when_gone_;
  std::unique_ptr<Hooks> hooks_;  // none for most containers
  bool awaits_hooks_ = false;     // the first process does
  bool start_given_up_ = false;   // it is to end, whatever its hooks say
  std::optional<EventLoop::Timer> last_hooks_timer_;
};

}  // namespace trivet::shim
