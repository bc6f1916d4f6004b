#include "common/linux/worker_threads.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <future>
#include <latch>
#include <vector>

namespace trivet {
namespace {

TEST(BeginAside, GivesWhatTheWorkReturns) {
  EXPECT_EQ(BeginAside([] { return 7; }).get(), 7);
}

TEST(BeginAside, RunsInAnotherThread) {
  EXPECT_NE(BeginAside([] { return ::gettid(); }).get(), ::gettid());
}

// Each waits for all: one that waited for a thread would be the end of it.
TEST(BeginAside, RunsAllAtOnceHoweverManyThereAre) {
  constexpr int kWorks = 50;
  for (int round = 0; round < 3; ++round) {
    std::latch all(kWorks);
    std::vector<std::future<void>> works;
    for (int i = 0; i < kWorks; ++i) {
      works.push_back(BeginAside([&] { all.arrive_and_wait(); }));
    }
    for (auto& work : works) work.get();
  }
}

TEST(BeginAside, LetsGoOfTheWorkWhenItIsDone) {
  const auto held = std::make_shared<int>(0);
  BeginAside([held] {}).get();
  while (held.use_count() > 1) ::usleep(1000);
}

TEST(RunAside, LetsWorkBeginMoreWorkAndWaitForIt) {
  std::promise<int> result;
  RunAside([&] { result.set_value(BeginAside([] { return 3; }).get()); });
  EXPECT_EQ(result.get_future().get(), 3);
}

// Whichever thread it is given to, and wherever that begins.
TEST(RunAside, MayRunOnAllProcessorsOfTheCaller) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  for (const Where where : {Where::kElsewhere, Where::kAnywhere, Where::kElsewhere}) {
    const cpu_set_t there = BeginAside(
                                [] {
                                  cpu_set_t processors;
                                  ::sched_getaffinity(0, sizeof processors, &processors);
                                  return processors;
                                },
                                where)
                                .get();
    EXPECT_TRUE(CPU_EQUAL(&there, &own));
  }
}

// And is sent nowhere when it does other work then.
TEST(RunAside, KeepsWorkApartFromTheCallersProcessor) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  if (CPU_COUNT(&own) < 2) GTEST_SKIP() << "one processor";
  BeginAside([] {}).get();  // there is a thread that waits from now on
  ::usleep(10'000);
  const auto processors = [] {
    cpu_set_t there;
    ::sched_getaffinity(0, sizeof there, &there);
    return there;
  };
  const cpu_set_t apart = BeginAside(processors, Where::kApart).get();
  EXPECT_EQ(CPU_COUNT(&apart), CPU_COUNT(&own) - 1);
  ::usleep(10'000);
  const cpu_set_t after = BeginAside(processors, Where::kAnywhere).get();
  EXPECT_TRUE(CPU_EQUAL(&after, &own));
}

}  // namespace
}  // namespace trivet
