#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/unique_fd.h"
#include "shim/event_loop.h"

namespace trivet::shim {

/// The exit signal of a child that is to execute a program. execve makes it SIGCHLD: by the signal
/// of its end it is known whether its program ran.
constexpr int kExitSignalBeforeExecve = SIGUSR1;

struct ChildExit {
  int code = 0;          // 128 + signal when killed
  bool executed = true;  // false: it ended with the exit signal above
};

/// "was killed by signal 9 before its program ran", of one that has not executed.
std::string EndBeforeProgram(const ChildExit& exit);

/// Reaps every child of the shim, those it started and those it inherited as subreaper. A pid stays
/// taken until it is reaped, and only this class reaps: within the shim a child's pid is its name.
class Children {
 public:
  using OnExit = std::function<void(const ChildExit& exit)>;

  /// Blocks the signals of children's ends and takes them from a signalfd; becomes a subreaper.
  static Result<std::unique_ptr<Children>> Watch(EventLoop& loop);

  /// To be called right after the clone, before the loop runs again.
  void Expect(pid_t pid, OnExit on_exit);
  [[nodiscard]] bool empty() const { return expected_.empty(); }

 private:
  explicit Children(UniqueFd signals) : signals_(std::move(signals)) {}
  void ReapAll();
  void Reap(int options);

  UniqueFd signals_;
  std::map<pid_t, OnExit> expected_;
};

}  // namespace trivet::shim
