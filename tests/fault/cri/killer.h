#pragma once

#include <sys/types.h>

#include "common/base/error.h"
#include "common/linux/process.h"

namespace trivet::testing {

/// Kills a process when it enters its nth system call that changes something outside itself; lets
/// go of it when dropped. See kill_at_system_call.cc.
class Killer {
 public:
  /// Returns when it watches.
  static Result<Killer> Attach(pid_t process, int number);
  Killer(Killer&&) noexcept = default;
  ~Killer();

  /// Lets go of the process. True when it was killed, or just may have been.
  bool Finish();

 private:
  Killer(Child helper, UniqueFd words) : helper_(std::move(helper)), words_(std::move(words)) {}
  Child helper_;
  UniqueFd words_;
};

}  // namespace trivet::testing
