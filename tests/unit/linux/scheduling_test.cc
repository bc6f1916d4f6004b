#include "common/linux/scheduling.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace trivet {
namespace {

int NiceOf(id_t thread) {
  return ::getpriority(PRIO_PROCESS, thread);
}

int OwnNice() {
  return NiceOf(static_cast<id_t>(::gettid()));
}

// With CAP_SYS_NICE it is, without it is not refused either.
TEST(BeUrgent, LeavesTheOtherThreadsAlone) {
  const int before = OwnNice();
  int urgent = 0;
  std::thread([&] {
    BeUrgent();
    urgent = OwnNice();
  }).join();
  EXPECT_LE(urgent, before);
  EXPECT_EQ(OwnNice(), before);
}

TEST(BeOrdinary, IsAsTheProcessAlsoInAThreadThatAnUrgentOneMade) {
  int ordinary = -100;
  std::thread([&] {
    BeUrgent();
    std::thread([&] {
      BeOrdinary();
      ordinary = OwnNice();
    }).join();
  }).join();
  EXPECT_EQ(ordinary, NiceOf(static_cast<id_t>(::getpid())));
}

TEST(OrdinaryWhile, IsUrgentAgainAfterwards) {
  int urgent = 0;
  int within = 0;
  int after = 0;
  std::thread([&] {
    BeUrgent();
    urgent = OwnNice();
    {
      const OrdinaryWhile ordinary;
      within = OwnNice();
    }
    after = OwnNice();
  }).join();
  EXPECT_EQ(within, NiceOf(static_cast<id_t>(::getpid())));
  EXPECT_EQ(after, urgent);
}

cpu_set_t OwnProcessors() {
  cpu_set_t own;
  EXPECT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  return own;
}

TEST(KeepOffThisProcessor, LastsUntilItsEnd) {
  const cpu_set_t before = OwnProcessors();
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "needs two processors";
  std::promise<pid_t> thread;
  std::promise<KeptOff> kept;
  bool allowed = true;
  cpu_set_t after;
  std::thread other([&] {
    thread.set_value(::gettid());
    KeptOff kept_off = kept.get_future().get();
    const cpu_set_t own = OwnProcessors();
    allowed = CPU_COUNT(&own) == CPU_COUNT(&before);
    kept_off.End();
    after = OwnProcessors();
  });
  kept.set_value(KeepOffThisProcessor(thread.get_future().get()));
  other.join();
  EXPECT_FALSE(allowed);
  EXPECT_TRUE(CPU_EQUAL(&after, &before));
}

TEST(KeepOffThisProcessor, LeavesAThreadThatHasNoOtherWhereItIs) {
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    KeptOff kept_off = KeepOffThisProcessor(::gettid());
    kept_off.End();
    const cpu_set_t own = OwnProcessors();
    EXPECT_TRUE(CPU_EQUAL(&own, &one));
  }).join();
}

TEST(TakeToThisProcessor, HasAThreadThatWaitsGoOnThere) {
  const cpu_set_t before = OwnProcessors();
  std::promise<pid_t> thread;
  std::promise<KeptOff> taken;
  int processor = -1;
  std::thread other([&] {
    thread.set_value(::gettid());
    KeptOff taken_here = taken.get_future().get();
    processor = ::sched_getcpu();
    taken_here.End();
  });
  const pid_t waiting = thread.get_future().get();
  KeptOff stay = TakeToThisProcessor(::gettid());  // so that "this" is one for the whole test
  const int here = ::sched_getcpu();
  taken.set_value(TakeToThisProcessor(waiting));
  other.join();
  stay.End();
  EXPECT_EQ(processor, here);
  const cpu_set_t own = OwnProcessors();
  EXPECT_TRUE(CPU_EQUAL(&own, &before));
}

}  // namespace
}  // namespace trivet
