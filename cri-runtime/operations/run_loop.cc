#include "cri-runtime/operations/run_loop.h"

#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>

#include "common/linux/service_manager.h"

namespace trivet::cri {
namespace {

void Notify(std::string_view state) {
  const auto told = NotifyServiceManager(state);
  if (!told) spdlog::warn("service manager: {}", told.error().message());
}

std::optional<int64_t> NumberIn(const char* variable) {
  const char* text = ::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  int64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// "RELOADING=1" wants the time of the monotonic clock.
void Reload(const std::function<void()>& reload) {
  constexpr int64_t kMicroseconds = 1'000'000;
  constexpr int64_t kNanosecondsPerMicrosecond = 1'000;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  Notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     now.tv_sec * kMicroseconds + now.tv_nsec / kNanosecondsPerMicrosecond));
  reload();
  Notify("READY=1");
}

timespec HalfOf(std::chrono::microseconds interval) {
  const auto half = interval / 2;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(half);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(half - seconds).count()};
}

}  // namespace

std::optional<std::chrono::microseconds> WatchdogInterval() {
  const auto interval_us = NumberIn("WATCHDOG_USEC");
  const auto pid = NumberIn("WATCHDOG_PID");
  if (!interval_us || *interval_us <= 0 || (pid && *pid != ::getpid())) return std::nullopt;
  return std::chrono::microseconds(*interval_us);
}

int RunUntilStopped(const sigset_t& signals, const std::function<void()>& reload,
                    const std::function<void()>& is_alive) {
  const auto interval = WatchdogInterval();
  Notify("READY=1");
  while (true) {
    int signal = -1;
    if (interval) {
      const timespec patience = HalfOf(*interval);
      signal = ::sigtimedwait(&signals, nullptr, &patience);
    } else {
      signal = ::sigwaitinfo(&signals, nullptr);
    }
    if (signal == SIGHUP) {
      Reload(reload);
    } else if (signal > 0) {
      Notify("STOPPING=1");
      return signal;
    }
    is_alive();
    if (interval) Notify("WATCHDOG=1");
  }
}

}  // namespace trivet::cri
