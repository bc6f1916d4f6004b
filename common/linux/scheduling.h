#pragma once

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
/// The same, where the process is as nice as `ordinary_nice`.
void BeUrgent(int ordinary_nice);

/// As the process's first thread is treated. For work, and before anything is started. Returns how
/// nice that is, unless it has another policy.
std::optional<int> BeOrdinary();

/// Ordinary for its lifetime, and then urgent again. For calls that work in an urgent thread.
class OrdinaryWhile {
 public:
  OrdinaryWhile() = default;
  ~OrdinaryWhile() {
    if (nice_) BeUrgent(*nice_);
  }
  OrdinaryWhile(const OrdinaryWhile&) = delete;
  OrdinaryWhile& operator=(const OrdinaryWhile&) = delete;

 private:
  std::optional<int> nice_ = BeOrdinary();
};

}  // namespace trivet
