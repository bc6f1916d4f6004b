#include "shim/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>

namespace trivet::shim {

Result<EventLoop> EventLoop::Open() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return FailErrno("epoll_create1");
  return EventLoop(std::move(epoll));
}

Result<> EventLoop::Add(int fd, Handler handler) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return FailErrno("watch {}", fd);
  handlers_[fd] = std::make_shared<Handler>(std::move(handler));
  return {};
}

void EventLoop::Remove(int fd) {
  if (handlers_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::OnlyForNews(int fd, bool only) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (only) event.events |= EPOLLET;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

EventLoop::Timer EventLoop::AddTimer(Clock::duration delay, Handler handler) {
  const Timer timer{Clock::now() + delay, ++next_timer_};
  timers_.emplace(timer, std::move(handler));
  return timer;
}

void EventLoop::CancelTimer(const Timer& timer) {
  timers_.erase(timer);
}

// One event per wait: what a handler removes can then not be in hand already.
Result<> EventLoop::Run() {
  while (running_) {
    epoll_event event{};
    const int ready = ::epoll_wait(epoll_.get(), &event, 1, MillisecondsToNextTimer());
    if (ready < 0 && errno != EINTR) return FailErrno("epoll_wait");
    if (ready > 0) Call(event.data.fd);
    FireTimers();
  }
  return {};
}

int EventLoop::MillisecondsToNextTimer() const {
  constexpr int64_t kLongestMs = 3'600'000;
  if (timers_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kLongestMs));
}

void EventLoop::FireTimers() {
  while (!timers_.empty() && timers_.begin()->first.first <= Clock::now()) {
    const auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
}

void EventLoop::Call(int fd) {
  const auto found = handlers_.find(fd);
  if (found == handlers_.end()) return;
  const std::shared_ptr<Handler> handler = found->second;  // it may remove itself
  (*handler)();
}

}  // namespace trivet::shim
