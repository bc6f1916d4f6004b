#pragma once

#include <sched.h>
#include <sys/types.h>

#include <optional>

/// How the fair scheduler treats the calling thread, and what it starts from then on: threads and
/// programs inherit it.
namespace trivet {

/// For a thread that answers at once what takes it a fraction of a millisecond, beside others of
/// this process that work: it is let in before those whenever it wakes up, and has a larger share.
/// A share larger than the process's own needs CAP_SYS_NICE; without, it is let in earlier alone,
/// and that by Linux 6.12 and later. A process with another policy than SCHED_OTHER is left alone.
/// Source: man 2 sched_setattr; for SCHED_OTHER sched_runtime is the slice that is asked for, see
/// Documentation/scheduler/sched-eevdf.rst and __setparam_fair() in kernel/sched/syscalls.c.
void BeUrgent();

/// As the process's first thread is treated. For work, and before anything is started.
void BeOrdinary();

/// What a thread that was kept off a processor does when it runs.
class KeptOff {
 public:
  KeptOff() = default;
  explicit KeptOff(const cpu_set_t& before) : before_(before) {}

  /// From now on the calling thread runs where the one that kept it off may.
  void End();

 private:
  std::optional<cpu_set_t> before_;
};

/// Has `thread`, which waits and is woken next, begin on another processor than the caller's, if
/// there is one. The kernel wakes a thread on the waker's where it thinks that no other is idle,
/// and then the two take turns; in a virtual machine it thinks so of all that are halted
/// (available_idle_cpu() in kernel/sched/sched.h: the hypervisor runs something else there).
KeptOff KeepOffThisProcessor(pid_t thread);

/// Has `thread`, which waits, or is not let run by the one that it has woken, go on on the caller's
/// processor, which the caller is about to leave.
KeptOff TakeToThisProcessor(pid_t thread);

/// Ordinary for its lifetime, and then urgent again. For calls that work in an urgent thread.
class OrdinaryWhile {
 public:
  OrdinaryWhile() { BeOrdinary(); }
  ~OrdinaryWhile() { BeUrgent(); }
  OrdinaryWhile(const OrdinaryWhile&) = delete;
  OrdinaryWhile& operator=(const OrdinaryWhile&) = delete;
};

}  // namespace trivet
