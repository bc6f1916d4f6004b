#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cri-runtime/state/snapshot.h"

namespace trivet::state {

enum class EventType : uint8_t { kCreated, kStarted, kStopped, kDeleted };

/// A change of a container or of a sandbox, with the pod as it was then.
struct Event {
  EventType type = EventType::kCreated;
  std::string id;  // of the container, or of the sandbox
  int64_t at_ns = 0;
  std::shared_ptr<const Sandbox> sandbox;  // null when the record is gone
  std::vector<std::shared_ptr<const Container>> containers;
};

/// What one listener has not taken yet. Any thread.
class EventQueue {
 public:
  /// A listener that does not take its events is cut off.
  static constexpr size_t kCapacity = 10'000;

  enum class State : uint8_t { kOpen, kOverflowed, kClosed };

  void Push(Event event);
  /// No more events: those that are there can still be taken.
  void Close();

  /// The oldest event; nothing at the end of `patience`, or when there will be none.
  std::optional<Event> Take(std::chrono::milliseconds patience);
  [[nodiscard]] State state() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  State state_ = State::kOpen;
};

/// Gives every event to every listener. Any thread.
class Events {
 public:
  /// From now on; dropping the queue ends it.
  std::shared_ptr<EventQueue> Listen();
  void Push(const Event& event);
  /// Ends every listener, also those that come later.
  void Close();
  [[nodiscard]] bool has_listeners() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<EventQueue>> queues_;
  bool closed_ = false;
};

}  // namespace trivet::state
