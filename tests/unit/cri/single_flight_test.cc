#include "cri-runtime/state/single_flight.h"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "tests/testing/matchers.h"

namespace trivet::state {
namespace {

using testing::FailsWith;

TEST(SingleFlight, GivesARetryTheResultOfTheCallThatRuns) {
  SingleFlight<int> flight;
  std::promise<void> running;
  std::promise<void> may_end;
  std::atomic<int> runs = 0;
  const auto slow = [&]() -> Result<int> {
    ++runs;
    running.set_value();
    may_end.get_future().wait();
    return 7;
  };
  auto first = std::async(std::launch::async, [&] { return flight.Do("k", slow); });
  running.get_future().wait();
  auto retry = std::async(std::launch::async, [&] {
    return flight.Do("k", [&]() -> Result<int> {
      ++runs;
      return 7;
    });
  });
  may_end.set_value();
  EXPECT_EQ(*first.get(), 7);
  EXPECT_EQ(*retry.get(), 7);
  EXPECT_LE(runs, 2);  // a retry that came after the end ran by itself
}

cpu_set_t Processors() {
  cpu_set_t processors;
  EXPECT_EQ(::sched_getaffinity(0, sizeof processors, &processors), 0);
  return processors;
}

TEST(SingleFlight, LetsWhoeverWaitedRunWhereItMightBefore) {
  SingleFlight<int> flight;
  const cpu_set_t before = Processors();
  for (int i = 0; i < 20; ++i) {
    const auto soon = std::chrono::system_clock::now() + std::chrono::seconds(20);
    EXPECT_EQ(*flight.DoUntil("k", soon,
                              [](Progress& /*progress*/) -> Result<int> {
                                ::usleep(1000);
                                return 7;
                              }),
              7);
    const cpu_set_t after = Processors();
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
  }
}

TEST(SingleFlight, LetsWhoeverGaveUpRunWhereItMightBefore) {
  SingleFlight<int> flight;
  std::promise<void> may_end;
  const SingleFlight<int>::Work slow = [&](Progress& /*progress*/) -> Result<int> {
    may_end.get_future().wait();
    return 7;
  };
  auto patient = std::async(std::launch::async, [&] {
    return flight.DoUntil("k", SingleFlight<int>::Deadline::max(), slow);
  });
  while (flight.Running().empty()) ::usleep(1000);
  const cpu_set_t before = Processors();
  const auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(50);
  EXPECT_THAT(flight.DoUntil("k", soon, slow), FailsWith(Code::kDeadlineExceeded, "still runs"));
  may_end.set_value();
  EXPECT_EQ(*patient.get(), 7);
  const cpu_set_t after = Processors();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

// The one that works comes for the result as well, before the one that waits is let run.
TEST(SingleFlight, LetsWhoeverJoinedRunWhereItMightBefore) {
  SingleFlight<int> flight;
  for (int i = 0; i < 50; ++i) {
    const auto work = [&]() -> Result<int> {
      ::usleep(2000);  // until the other one waits
      return 7;
    };
    const auto call = [&] {
      const cpu_set_t before = Processors();
      EXPECT_EQ(*flight.Do("k", work), 7);
      const cpu_set_t after = Processors();
      EXPECT_TRUE(CPU_EQUAL(&before, &after));
    };
    auto joined = std::async(std::launch::async, call);
    call();
    joined.get();
  }
}

TEST(SingleFlight, RunsCallsWithOtherKeysBesides) {
  SingleFlight<int> flight;
  EXPECT_EQ(*flight.Do("a", [&] { return flight.Do("b", [] { return Result<int>(2); }); }), 2);
}

TEST(SingleFlight, NamesTheSlowStepAtTheDeadlineAndGivesTheRetryTheResult) {
  SingleFlight<int> flight;
  std::promise<void> in_network;
  std::promise<void> may_end;
  std::atomic<int> runs = 0;
  const SingleFlight<int>::Work slow = [&](Progress& progress) -> Result<int> {
    ++runs;
    progress.Enter("network");
    in_network.set_value();
    may_end.get_future().wait();
    return 7;
  };
  auto first = std::async(std::launch::async, [&] {
    return flight.DoUntil("default/pod", std::chrono::system_clock::now() + std::chrono::seconds(1),
                          slow);
  });
  in_network.get_future().wait();
  EXPECT_THAT(first.get(),
              FailsWith(Code::kDeadlineExceeded, "default/pod still runs: network for "));
  ASSERT_EQ(flight.Running().size(), 1u);
  auto retry = std::async(std::launch::async, [&] {
    return flight.DoUntil("default/pod", SingleFlight<int>::Deadline::max(), slow);
  });
  EXPECT_EQ(retry.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  may_end.set_value();
  EXPECT_EQ(*retry.get(), 7);
  EXPECT_EQ(runs, 1);
}

TEST(SingleFlight, RunsAgainAfterAFailure) {
  SingleFlight<int> flight;
  const auto failing = [] { return Result<int>(Fail(Code::kInternal, "no")); };
  EXPECT_THAT(flight.Do("k", failing), FailsWith(Code::kInternal, "no"));
  EXPECT_EQ(*flight.Do("k", [] { return Result<int>(1); }), 1);
}

TEST(SingleFlight, EndsACallThatThrew) {
  SingleFlight<int> flight;
  const auto throwing = []() -> Result<int> { throw std::runtime_error("out"); };
  EXPECT_THAT(flight.Do("k", throwing), FailsWith(Code::kInternal, "exception: out"));
}

}  // namespace
}  // namespace trivet::state
