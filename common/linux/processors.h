#pragma once

#include <sys/types.h>

#include <utility>

/// On which processors a thread runs. What it is told is remembered by the kernel (since
/// Linux 6.2), inherited by what it starts, also over execve, and cuts all that a cpuset allows,
/// then and later. So whatever is told here ends with that a thread may run wherever it might
/// before.
namespace trivet {

/// The calling thread may run on all processors of its cpuset, now and whenever that changes. For
/// what is of a container: it must not have what the daemon was told. Async-signal-safe.
void UseAllProcessors();

/// That a thread was sent somewhere, for that thread. Move-only.
class Sent {
 public:
  Sent() = default;
  explicit Sent(bool sent) : sent_(sent) {}
  Sent(Sent&& other) noexcept : sent_(std::exchange(other.sent_, false)) {}
  Sent& operator=(Sent&& other) noexcept {
    sent_ = std::exchange(other.sent_, false);
    return *this;
  }

  /// From now on the calling thread, which was sent, runs where this process may. To be called
  /// before it starts anything.
  void End();

  /// The same for `thread`, or a process of one thread, that was sent and waits again.
  void EndFor(pid_t thread);

 private:
  bool sent_ = false;
};

/// Has `thread`, of this process or the only one of another, which waits and is woken next, begin
/// on another processor than the caller's, if there is one. The kernel wakes a thread on the
/// waker's where it thinks that no other is idle, and then the two take turns; in a virtual machine
/// it thinks so of all that are halted (available_idle_cpu() in kernel/sched/sched.h: the
/// hypervisor runs something else there).
Sent SendElsewhere(pid_t thread);

/// Has `thread`, of this process, which waits, or is not let run by the one that it has woken, go
/// on on the caller's processor, which the caller is about to leave.
Sent SendHere(pid_t thread);

}  // namespace trivet
