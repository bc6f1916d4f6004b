#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "common/linux/process.h"
#include "shim/children.h"
#include "shim/container_cgroup.h"
#include "shim/container_init.h"
#include "shim/event_loop.h"
#include "shim/hook_set.h"

namespace trivet::shim {

/// How the container is while its hooks run.
struct HookPlace {
  std::string_view status;  // OCI's
  pid_t pid = 0;            // of the first process, while there is one
  int pidfd = -1;
  bool in_node_pid_namespace = false;
  const ContainerCgroup* cgroup = nullptr;  // of those in the container's namespaces
};

/// One hook, from its clone to its end.
///
/// Those of the node are in the shim's cgroup and have all rights; createContainer is in the
/// container's cgroup, PID and mount namespaces; startContainer is confined as the container is.
/// Its standard input is the OCI state, its output is discarded, of its standard error the first
/// KiB is kept. At its timeout it is killed with its descendants, and with the shim it ends.
class HookRun {
 public:
  using OnDone = std::function<void(Result<>)>;

  /// `on_done` is called once, in a later turn of the loop; the object may be destroyed then.
  /// What it is called with names the hook: kInternal with its exit status, kDeadlineExceeded,
  /// kAborted, or what came before its execve.
  static Result<std::unique_ptr<HookRun>> Launch(PlannedHook hook, const HookPlace& place,
                                                 const HookSet& set, EventLoop& loop,
                                                 Children& children, OnDone on_done);
  ~HookRun();
  HookRun(const HookRun&) = delete;
  HookRun& operator=(const HookRun&) = delete;

  /// Kills it with its descendants: its end is kAborted.
  void Abort();

 private:
  HookRun(std::string name, UniqueFd output, EventLoop& loop, OnDone on_done);
  Result<> Start(PlannedHook hook, const HookPlace& place, const HookSet& set, Children& children);
  void Kill(Error reason);
  void TakeOutput();
  void OnExit(const ChildExit& exit);
  [[nodiscard]] Result<> Outcome(const ChildExit& exit);

  std::string name_;  // "hook createContainer /usr/bin/nvidia-cdi-hook"
  EventLoop& loop_;
  OnDone on_done_;
  Child child_;
  UniqueFd report_;
  UniqueFd output_;
  std::string said_;
  std::optional<EventLoop::Timer> timer_;
  std::optional<Error> killed_;  // and why
};

}  // namespace trivet::shim
