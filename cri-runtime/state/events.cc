#include "cri-runtime/state/events.h"

namespace trivet::state {

void EventQueue::Push(Event event) {
  const std::scoped_lock lock(mutex_);
  if (state_ != State::kOpen) return;
  if (events_.size() == kCapacity) {
    state_ = State::kOverflowed;
    events_.clear();
  } else {
    events_.push_back(std::move(event));
  }
  changed_.notify_all();
}

void EventQueue::Close() {
  const std::scoped_lock lock(mutex_);
  if (state_ == State::kOpen) state_ = State::kClosed;
  changed_.notify_all();
}

std::optional<Event> EventQueue::Take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return !events_.empty() || state_ != State::kOpen; });
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event = std::move(events_.front());
  events_.pop_front();
  return event;
}

EventQueue::State EventQueue::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

std::shared_ptr<EventQueue> Events::Listen() {
  auto queue = std::make_shared<EventQueue>();
  const std::scoped_lock lock(mutex_);
  if (closed_) queue->Close();
  std::erase_if(queues_, [](const auto& old) { return old.expired(); });
  queues_.push_back(queue);
  return queue;
}

void Events::Push(const Event& event) {
  const std::scoped_lock lock(mutex_);
  for (const auto& weak : queues_) {
    if (const auto queue = weak.lock()) queue->Push(event);
  }
}

void Events::Close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (const auto& weak : queues_) {
    if (const auto queue = weak.lock()) queue->Close();
  }
}

bool Events::has_listeners() const {
  const std::scoped_lock lock(mutex_);
  for (const auto& weak : queues_) {
    if (!weak.expired()) return true;
  }
  return false;
}

}  // namespace trivet::state
