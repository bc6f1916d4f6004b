#include "common/linux/inheriting_mutex.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <sstream>
#include <thread>

#include "common/linux/file.h"
#include "common/linux/scheduling.h"
#include "tests/testing/processes.h"

namespace trivet {
namespace {

// man 5 proc_pid_stat, (18) priority: below zero while a thread has a real-time one.
int PriorityOf(pid_t thread) {
  std::istringstream words(ReadFile(fmt::format("/proc/self/task/{}/stat", thread)).value());
  std::string word;
  for (int i = 0; i < 18; ++i) words >> word;
  return std::stoi(word);
}

TEST(InheritingMutex, GivesItsHolderThePriorityOfWhoWaits) {
  InheritingMutex mutex;
  std::atomic<int> urgent = -1;
  std::unique_lock lock(mutex);
  const int before = PriorityOf(::gettid());
  std::thread waiter([&] {
    urgent = BeUrgent().has_value() ? 1 : 0;
    const std::scoped_lock held(mutex);
  });
  EXPECT_TRUE(testing::Eventually([&] { return urgent >= 0; }));
  // Where the kernel gives the waiter none there is nothing to pass on.
  EXPECT_TRUE(testing::Eventually([&] { return urgent == 0 || PriorityOf(::gettid()) < 0; }));
  lock.unlock();
  waiter.join();
  EXPECT_EQ(PriorityOf(::gettid()), before);
}

}  // namespace
}  // namespace trivet
