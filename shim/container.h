#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/children.h"
#include "shim/container_cgroup.h"
#include "shim/container_init.h"
#include "shim/event_loop.h"
#include "shim/init_plan.h"
#include "shim/log_file.h"
#include "shim/stdio.h"

namespace trivet::shim {

/// One container: created, then running, then exited, and never back.
class Container {
 public:
  using OnStarted = std::function<void(Result<Started>)>;
  using OnExited = std::function<void(const ExitRecord&)>;

  /// `on_exited` is called once, after the record is on disk and the output in the log.
  static Result<std::unique_ptr<Container>> Create(const ContainerSpec& spec, InitPlan plan,
                                                   EventLoop& loop, Children& children,
                                                   OnExited on_exited);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  /// `pid_namespace_pidfd` is a process in the PID namespace to be born in, or -1.
  /// Errors, by `on_started`: kFailedPrecondition when it was started before; "container init:
  /// ...".
  void Start(int pid_namespace_pidfd, OnStarted on_started);
  /// Errors: kFailedPrecondition before the start; after the exit it is success.
  Result<> Signal(const SignalRequest& request);
  /// Errors: kFailedPrecondition unless it runs.
  Result<> ReopenLog();
  void Kill();
  /// Calls `work` when it does not run any more: now, or after its exit.
  void WhenGone(std::function<void()> work);

  [[nodiscard]] ContainerState state() const;
  [[nodiscard]] NamespaceMode pid_mode() const { return spec_.pid; }
  [[nodiscard]] const std::string& pid_target() const { return spec_.pid_target; }
  /// Of its first process, while it runs; else -1.
  [[nodiscard]] int pidfd() const { return running() ? child_.pidfd.get() : -1; }
  [[nodiscard]] const ContainerCgroup& cgroup() const { return cgroup_; }

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
  Container(Kept spec, InitPlan plan, ContainerCgroup cgroup, EventLoop& loop, Children& children,
            OnExited on_exited);

  [[nodiscard]] bool running() const { return phase_ == ContainerPhase::kRunning && !ended_; }
  Result<> Launch(int pid_namespace_pidfd);
  Result<> PrepareOutput();
  Result<> PrepareInput();
  Result<> AddStream(UniqueFd reader, LogStream name);
  void TakeReports();
  void AnswerStart(Result<Started> result);
  void OnMainExit(int exit_code);
  void FinishWhenDrained();
  void Finish();

  Kept spec_;
  std::optional<InitPlan> plan_;  // until the start
  ContainerCgroup cgroup_;
  EventLoop& loop_;
  Children& children_;
  OnExited on_exited_;
  OnStarted on_started_;

  ContainerPhase phase_ = ContainerPhase::kCreated;
  bool ended_ = false;  // the first process; the phase follows when the output is drained
  Child child_;
  uint64_t start_time_ = 0;
  UniqueFd report_;
  std::optional<Error> start_error_;
  LogFile log_ = LogFile::Discard();
  UniqueFd stdin_;  // the other side of an open standard input
  std::vector<std::unique_ptr<OutputStream>> streams_;
  std::optional<EventLoop::Timer> drain_timer_;
  uint64_t oom_kills_before_ = 0;
  ExitRecord exit_;
  std::vector<std::function<void()>> when_gone_;
};

}  // namespace trivet::shim
