#include "cri-runtime/state/events.h"

#include <gmock/gmock.h>

#include "cri-runtime/state/id.h"
#include "cri-runtime/state/store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::state {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::trivet::testing::IsOk;

constexpr auto kNow = std::chrono::milliseconds(0);

class EventsTest : public ::testing::Test {
 protected:
  void AddPod() {
    ASSERT_THAT(store_->Add(sandbox::Record{.id = pod_}), IsOk());
    ASSERT_THAT(store_->UpdateSandbox(pod_, [](auto& s) { s.phase = sandbox::Phase::kReady; }),
                IsOk());
  }
  void Set(container::Phase phase) {
    ASSERT_THAT(store_->UpdateContainer(container_, [&](auto& s) { s.phase = phase; }), IsOk());
  }
  static std::vector<std::pair<EventType, std::string>> TakeAll(EventQueue& queue) {
    std::vector<std::pair<EventType, std::string>> events;
    while (const auto event = queue.Take(kNow)) events.emplace_back(event->type, event->id);
    return events;
  }

  testing::TempDirectory folder_;
  const cri::Paths paths_{.state = folder_ / "state", .run = folder_ / "run"};
  const std::unique_ptr<Store> store_ = std::move(*Store::Open(paths_));
  const std::string pod_ = *NewId();
  const std::string container_ = *NewId();
};

TEST_F(EventsTest, TellAContainersLifeInOrder) {
  const auto queue = store_->events().Listen();
  AddPod();
  ASSERT_THAT(store_->Add(container::Record{.id = container_, .sandbox_id = pod_}), IsOk());
  Set(container::Phase::kCreated);
  Set(container::Phase::kRunning);
  Set(container::Phase::kRunning);  // no change of the phase, no event
  Set(container::Phase::kExited);
  ASSERT_THAT(store_->RemoveContainer(container_), IsOk());
  ASSERT_THAT(store_->RemoveSandbox(pod_), IsOk());
  EXPECT_THAT(
      TakeAll(*queue),
      ElementsAre(Pair(EventType::kCreated, pod_), Pair(EventType::kStarted, pod_),
                  Pair(EventType::kCreated, container_), Pair(EventType::kStarted, container_),
                  Pair(EventType::kStopped, container_), Pair(EventType::kDeleted, container_),
                  Pair(EventType::kDeleted, pod_)));
}

TEST_F(EventsTest, TellTheStartOfAContainerWhoseEndWasHeardFirst) {
  AddPod();
  ASSERT_THAT(store_->Add(container::Record{.id = container_, .sandbox_id = pod_}), IsOk());
  Set(container::Phase::kCreated);
  const auto queue = store_->events().Listen();
  Set(container::Phase::kExited);
  EXPECT_THAT(TakeAll(*queue), ElementsAre(Pair(EventType::kStarted, container_),
                                           Pair(EventType::kStopped, container_)));
}

TEST_F(EventsTest, TellNoStartThatFailed) {
  AddPod();
  ASSERT_THAT(store_->Add(container::Record{.id = container_, .sandbox_id = pod_}), IsOk());
  Set(container::Phase::kCreated);
  const auto queue = store_->events().Listen();
  ASSERT_THAT(store_->UpdateContainer(container_,
                                      [](auto& state) {
                                        state.phase = container::Phase::kExited;
                                        state.exit_code = 128;
                                      }),
              IsOk());
  EXPECT_THAT(TakeAll(*queue), ElementsAre(Pair(EventType::kStopped, container_)));
}

TEST_F(EventsTest, CarryThePodAsItWasThen) {
  AddPod();
  ASSERT_THAT(store_->Add(container::Record{.id = container_, .sandbox_id = pod_}), IsOk());
  const auto queue = store_->events().Listen();
  Set(container::Phase::kCreated);
  Set(container::Phase::kRunning);
  const auto event = queue->Take(kNow);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->sandbox->record->id, pod_);
  ASSERT_EQ(event->containers.size(), 1u);
  EXPECT_EQ(event->containers[0]->state.phase, container::Phase::kCreated);
}

TEST_F(EventsTest, SayNothingOfWhatNeverGotReady) {
  const auto queue = store_->events().Listen();
  ASSERT_THAT(store_->Add(sandbox::Record{.id = pod_}), IsOk());
  ASSERT_THAT(store_->RemoveSandbox(pod_), IsOk());
  EXPECT_FALSE(queue->Take(kNow).has_value());
}

TEST(EventQueue, CutsOffAListenerThatTakesNothing) {
  EventQueue queue;
  for (size_t i = 0; i <= EventQueue::kCapacity; ++i) queue.Push({.id = "c"});
  EXPECT_EQ(queue.state(), EventQueue::State::kOverflowed);
  EXPECT_FALSE(queue.Take(kNow).has_value());
}

TEST(Events, CloseEndsListenersOfNowAndLater) {
  Events events;
  const auto queue = events.Listen();
  events.Push({.id = "c"});
  events.Close();
  EXPECT_EQ(queue->state(), EventQueue::State::kClosed);
  EXPECT_TRUE(queue->Take(std::chrono::hours(1)).has_value());
  EXPECT_FALSE(queue->Take(std::chrono::hours(1)).has_value());
  EXPECT_EQ(events.Listen()->state(), EventQueue::State::kClosed);
}

}  // namespace
}  // namespace trivet::state
