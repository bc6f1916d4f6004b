#include "common/linux/scheduling.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

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

}  // namespace
}  // namespace trivet
