#pragma once

#include <optional>

#include "common/base/error.h"

/// How the kernel's scheduler treats the calling thread, and what it starts from then on: threads
/// and programs inherit it.
namespace trivet {

/// For a thread that answers at once what takes it a fraction of a millisecond, beside others of
/// this process that work: it is let in before all of those, whenever it wakes up. It has the
/// lowest real-time priority (SCHED_FIFO); an error says why the kernel gives it none. Then it is
/// ten levels less nice than the process instead, with the shortest slice there is (Linux 6.12), as
/// far as the kernel allows that. A process with another policy than SCHED_OTHER is left alone.
/// Errors: kPermissionDenied, as without CAP_SYS_NICE, or in a group of cgroup v1 without
/// cpu.rt_runtime_us where the kernel has CONFIG_RT_GROUP_SCHED.
/// Source: man 7 sched; man 2 sched_setattr; Documentation/scheduler/sched-rt-group.rst. A share of
/// the fair scheduler's, however large, is not enough: whoever has had it waits for a whole slice
/// of somebody else's (kernel/sched/fair.c, pick_eevdf()).
Result<> BeUrgent();
/// The same, where the process is as nice as `ordinary_nice`.
Result<> BeUrgent(int ordinary_nice);

/// As the process's first thread is treated. For work, and before anything is started. Returns how
/// nice that is, unless it has another policy.
std::optional<int> BeOrdinary();

/// Ordinary for its lifetime, and then urgent again. For calls that work in an urgent thread.
class OrdinaryWhile {
 public:
  OrdinaryWhile() = default;
  ~OrdinaryWhile() {
    if (nice_) static_cast<void>(BeUrgent(*nice_));
  }
  OrdinaryWhile(const OrdinaryWhile&) = delete;
  OrdinaryWhile& operator=(const OrdinaryWhile&) = delete;

 private:
  std::optional<int> nice_ = BeOrdinary();
};

/// Within an OrdinaryWhile's, urgent for its lifetime, and ordinary again: for what takes locks of
/// urgent threads, who would wait until this one's turn comes.
class UrgentWhile {
 public:
  UrgentWhile() { static_cast<void>(BeUrgent()); }
  ~UrgentWhile() { BeOrdinary(); }
  UrgentWhile(const UrgentWhile&) = delete;
  UrgentWhile& operator=(const UrgentWhile&) = delete;
};

}  // namespace trivet
