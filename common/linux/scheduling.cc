#include "common/linux/scheduling.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace trivet {
namespace {

constexpr uint32_t kLowestRealTime = 1;
constexpr int32_t kUrgentNice = -10;  // relative: nine times the share
constexpr int32_t kLowestNice = -20;
constexpr uint64_t kUrgentSliceNs = 100'000;  // the shortest there is

// glibc has none before 2.41, and <linux/sched/types.h> defines sched_param a second time.
// Source: include/uapi/linux/sched/types.h, SCHED_ATTR_SIZE_VER0.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // 0: the kernel's own slice
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};

constexpr pid_t kThisThread = 0;

bool Read(pid_t thread, Attributes& attributes) {
  return ::syscall(SYS_sched_getattr, thread, &attributes, sizeof attributes, 0) == 0 &&
         attributes.policy == SCHED_OTHER;
}

bool Set(const Attributes& attributes) {
  return ::syscall(SYS_sched_setattr, kThisThread, &attributes, 0) == 0;
}

}  // namespace

Result<> BeUrgent() {
  Attributes ordinary;
  if (!Read(::getpid(), ordinary)) return {};
  return BeUrgent(ordinary.nice);
}

Result<> BeUrgent(int ordinary_nice) {
  if (Set({.policy = SCHED_FIFO, .priority = kLowestRealTime})) return {};
  const int refused = errno;
  Attributes urgent{.runtime_ns = kUrgentSliceNs};
  urgent.nice = std::max(ordinary_nice + kUrgentNice, kLowestNice);
  if (!Set(urgent)) {
    urgent.nice = ordinary_nice;
    static_cast<void>(Set(urgent));
  }
  return std::unexpected(Error::FromErrno(refused, "real-time priority"));
}

std::optional<int> BeOrdinary() {
  Attributes ordinary;
  if (!Read(::getpid(), ordinary)) return std::nullopt;
  static_cast<void>(Set({.nice = ordinary.nice, .runtime_ns = ordinary.runtime_ns}));
  return ordinary.nice;
}

}  // namespace trivet
