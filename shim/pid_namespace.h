#pragma once

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::shim {

/// While it lives, the shim's next children are born in the PID namespace of another process. The
/// shim itself stays where it is: setns(CLONE_NEWPID) is about children only.
class BornInPidNamespace {
 public:
  /// `pidfd` -1: the shim's own namespace, nothing to do.
  static Result<BornInPidNamespace> Of(int pidfd);
  BornInPidNamespace(BornInPidNamespace&&) = default;
  BornInPidNamespace& operator=(BornInPidNamespace&&) = delete;
  /// Ends the shim when it cannot go back: every later child would be born in the wrong pod.
  ~BornInPidNamespace();

 private:
  explicit BornInPidNamespace(UniqueFd own) : own_(std::move(own)) {}
  UniqueFd own_;  // valid while entered
};

}  // namespace trivet::shim
