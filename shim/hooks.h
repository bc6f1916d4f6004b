#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

#include "shim/hook_run.h"
#include "shim/hook_set.h"

namespace trivet::shim {

/// Runs a container's hooks, one after the other, as children awaited by the event loop. Each runs
/// once at most.
class Hooks {
 public:
  using OnDone = std::function<void(Result<>)>;

  Hooks(HookSet set, EventLoop& loop, Children& children)
      : set_(std::move(set)), loop_(loop), children_(children) {}

  /// To be called when idle: runs the hooks of `kinds`, in the order of both, and calls `done`
  /// once; at once when there are none. The first that fails is the end, and what `done` is called
  /// with; one of kPoststop is logged, and the next runs.
  /// Source: OCI runtime specification 1.3.0, runtime.md, Lifecycle.
  void Run(std::initializer_list<HookKind> kinds, const HookPlace& place, OnDone done);
  /// Kills what runs and drops what waits; `done` is called as soon as the former has ended.
  void Abort();
  [[nodiscard]] bool idle() const { return !job_; }

 private:
  struct Job {
    std::deque<PlannedHook> hooks;
    HookPlace place;
    OnDone done;
  };

  void Next();
  void OnEnd(HookKind kind, Result<> result);
  void Finish(Result<> result);

  HookSet set_;
  EventLoop& loop_;
  Children& children_;
  std::optional<Job> job_;
  std::unique_ptr<HookRun> running_;
};

}  // namespace trivet::shim
