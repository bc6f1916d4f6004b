#pragma once

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

/// Ordinary for its lifetime, and then urgent again. For calls that work in an urgent thread.
class OrdinaryWhile {
 public:
  OrdinaryWhile() { BeOrdinary(); }
  ~OrdinaryWhile() { BeUrgent(); }
  OrdinaryWhile(const OrdinaryWhile&) = delete;
  OrdinaryWhile& operator=(const OrdinaryWhile&) = delete;
};

}  // namespace trivet
