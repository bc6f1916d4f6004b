#include "common/linux/processors.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace trivet {
namespace {

cpu_set_t OwnProcessors() {
  cpu_set_t own;
  EXPECT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  return own;
}

TEST(SendElsewhere, LastsUntilItsEnd) {
  const cpu_set_t before = OwnProcessors();
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "needs two processors";
  std::promise<pid_t> thread;
  std::promise<Sent> sending;
  bool allowed = true;
  cpu_set_t after;
  std::thread other([&] {
    thread.set_value(::gettid());
    Sent sent = sending.get_future().get();
    const cpu_set_t own = OwnProcessors();
    allowed = CPU_COUNT(&own) == CPU_COUNT(&before);
    sent.End();
    after = OwnProcessors();
  });
  sending.set_value(SendElsewhere(thread.get_future().get()));
  other.join();
  EXPECT_FALSE(allowed);
  EXPECT_TRUE(CPU_EQUAL(&after, &before));
}

TEST(SendElsewhere, LeavesAThreadThatHasNoOtherWhereItIs) {
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    static_cast<void>(SendElsewhere(::gettid()));
    const cpu_set_t own = OwnProcessors();
    EXPECT_TRUE(CPU_EQUAL(&own, &one));
  }).join();
}

TEST(SendHere, HasAThreadThatWaitsGoOnThere) {
  const cpu_set_t before = OwnProcessors();
  std::promise<pid_t> thread;
  std::promise<Sent> taken;
  int processor = -1;
  std::thread other([&] {
    thread.set_value(::gettid());
    Sent taken_here = taken.get_future().get();
    processor = ::sched_getcpu();
    taken_here.End();
  });
  const pid_t waiting = thread.get_future().get();
  Sent stay = SendHere(::gettid());  // so that "this" is one for the whole test
  const int here = ::sched_getcpu();
  taken.set_value(SendHere(waiting));
  other.join();
  stay.End();
  EXPECT_EQ(processor, here);
  const cpu_set_t own = OwnProcessors();
  EXPECT_TRUE(CPU_EQUAL(&own, &before));
}

TEST(UseAllProcessors, ForgetsWhatTheThreadWasTold) {
  const cpu_set_t before = OwnProcessors();
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    UseAllProcessors();
    const cpu_set_t own = OwnProcessors();
    EXPECT_TRUE(CPU_EQUAL(&own, &before));
  }).join();
}

}  // namespace
}  // namespace trivet
