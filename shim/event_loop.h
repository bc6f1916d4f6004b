#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "common/base/error.h"
#include "common/base/unique_fd.h"

namespace trivet::shim {

/// epoll and timers, for one thread. Handlers run one at a time; a handler may add and remove any
/// descriptor and timer, its own too.
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Handler = std::function<void()>;
  using Timer = std::pair<Clock::time_point, uint64_t>;

  static Result<EventLoop> Open();

  /// Calls `handler` whenever `fd` can be read or its other end is closed. The caller keeps the
  /// descriptor open until Remove.
  Result<> Add(int fd, Handler handler);
  void Remove(int fd);
  /// From now on calls the handler of `fd` only when something new happens to it (EPOLLET), or
  /// again for as long as it can be read.
  void OnlyForNews(int fd, bool only);

  Timer AddTimer(Clock::duration delay, Handler handler);
  /// One that has fired already is no error.
  void CancelTimer(const Timer& timer);

  /// Runs until Stop.
  Result<> Run();
  void Stop() { running_ = false; }

 private:
  explicit EventLoop(UniqueFd epoll) : epoll_(std::move(epoll)) {}
  [[nodiscard]] int MillisecondsToNextTimer() const;
  void FireTimers();
  void Call(int fd);

  UniqueFd epoll_;
  std::map<int, std::shared_ptr<Handler>> handlers_;
  std::map<Timer, Handler> timers_;
  uint64_t next_timer_ = 0;
  bool running_ = true;
};

}  // namespace trivet::shim
