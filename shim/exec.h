#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/base/error.h"
#include "proto/trivet/shim.h"
#include "shim/children.h"
#include "shim/container.h"
#include "shim/container_init.h"
#include "shim/event_loop.h"

namespace trivet::shim {

/// A further process in a running container, from its clone to its end.
class Exec {
 public:
  using OnDone = std::function<void(Result<ExecResult>)>;

  /// `plan` has the descriptors of standard input and output. `on_done` is called once, in a later
  /// turn of the loop; the object may be destroyed then.
  /// Errors: kFailedPrecondition when the container does not run; by `on_done`: "exec: ...",
  /// kAborted when it was killed before its program ran.
  static Result<std::unique_ptr<Exec>> Launch(const Container& container, ProcessPlan plan,
                                              std::chrono::milliseconds timeout, EventLoop& loop,
                                              Children& children);
  ~Exec();
  Exec(const Exec&) = delete;
  Exec& operator=(const Exec&) = delete;

  void WhenDone(OnDone on_done) { on_done_ = std::move(on_done); }
  void Kill();

 private:
  Exec(EventLoop& loop, shim::Launch launch, std::shared_ptr<const ContainerCgroup> cgroup);
  void TakeReport();
  void OnExit(const ChildExit& exit);
  [[nodiscard]] Error EndBeforeExecve(const ChildExit& exit) const;

  EventLoop& loop_;
  Child child_;
  UniqueFd report_;
  std::shared_ptr<const ContainerCgroup> cgroup_;
  std::optional<Error> error_;
  std::optional<EventLoop::Timer> timer_;
  ExecResult result_;
  OnDone on_done_;
};

}  // namespace trivet::shim
