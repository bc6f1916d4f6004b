#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "shim/event_loop.h"

namespace trivet::shim {

/// Reaps every child of the shim, those it started and those it inherited as subreaper. A pid stays
/// taken until it is reaped, and only this class reaps: within the shim a child's pid is its name.
class Children {
 public:
  using OnExit = std::function<void(int exit_code)>;  // 128 + signal when killed

  /// Blocks SIGCHLD and takes it from a signalfd; becomes a subreaper.
  static Result<std::unique_ptr<Children>> Watch(EventLoop& loop);

  /// To be called right after the clone, before the loop runs again.
  void Expect(pid_t pid, OnExit on_exit);
  [[nodiscard]] bool empty() const { return expected_.empty(); }

 private:
  explicit Children(UniqueFd signals) : signals_(std::move(signals)) {}
  void ReapAll();

  UniqueFd signals_;
  std::map<pid_t, OnExit> expected_;
};

}  // namespace trivet::shim
