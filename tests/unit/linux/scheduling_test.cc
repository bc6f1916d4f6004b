#include "common/linux/scheduling.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace trivet {
namespace {

bool IsOrdinary() {
  return ::sched_getscheduler(0) == SCHED_OTHER &&
         ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())) ==
             ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
}

// Without CAP_SYS_NICE a thread is urgent by its slice alone.
bool MayBeRealTime() {
  bool may = false;
  std::thread([&] {
    const sched_param lowest{.sched_priority = 1};
    may = ::sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
  }).join();
  return may;
}

TEST(BeUrgent, IsBeforeAllThatWorkAndLeavesTheOtherThreadsAlone) {
  int policy = SCHED_OTHER;
  bool done = false;
  std::thread([&] {
    done = BeUrgent().has_value();
    policy = ::sched_getscheduler(0);
  }).join();
  EXPECT_EQ(done, MayBeRealTime());
  EXPECT_EQ(policy, MayBeRealTime() ? SCHED_FIFO : SCHED_OTHER);
  EXPECT_TRUE(IsOrdinary());
}

TEST(BeUrgent, SaysWhyItIsNot) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_RTPRIO, &before), 0);
  const rlimit forbidden{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_RTPRIO, &forbidden), 0);
  std::thread([] {
    __user_cap_header_struct own{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    ASSERT_EQ(::syscall(SYS_capset, &own, none.data()), 0);  // of this thread alone
    const auto refused = BeUrgent();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
  }).join();
  ::setrlimit(RLIMIT_RTPRIO, &before);
}

TEST(BeOrdinary, IsAsTheProcessAlsoInAThreadThatAnUrgentOneMade) {
  bool ordinary = false;
  std::thread([&] {
    static_cast<void>(BeUrgent());
    std::thread([&] {
      BeOrdinary();
      ordinary = IsOrdinary();
    }).join();
  }).join();
  EXPECT_TRUE(ordinary);
}

TEST(OrdinaryWhile, IsUrgentAgainAfterwards) {
  int urgent = -1;
  int after = -1;
  bool ordinary = false;
  std::thread([&] {
    static_cast<void>(BeUrgent());
    urgent = ::sched_getscheduler(0);
    {
      const OrdinaryWhile ordinarily;
      ordinary = IsOrdinary();
    }
    after = ::sched_getscheduler(0);
  }).join();
  EXPECT_TRUE(ordinary);
  EXPECT_EQ(after, urgent);
}

TEST(UrgentWhile, IsOrdinaryAgainAfterwards) {
  int policy = -1;
  bool ordinary = false;
  std::thread([&] {
    static_cast<void>(BeUrgent());
    const OrdinaryWhile ordinarily;
    {
      const UrgentWhile urgently;
      policy = ::sched_getscheduler(0);
    }
    ordinary = IsOrdinary();
  }).join();
  EXPECT_EQ(policy, MayBeRealTime() ? SCHED_FIFO : SCHED_OTHER);
  EXPECT_TRUE(ordinary);
}

}  // namespace
}  // namespace trivet
