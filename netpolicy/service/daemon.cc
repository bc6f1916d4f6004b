#include "netpolicy/service/daemon.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

namespace trivet::netpolicy {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kRetryEvery = std::chrono::seconds(1);
constexpr auto kHealEvery = std::chrono::seconds(60);

Result<int> ReadSignal(int signal_fd) {
  signalfd_siginfo info{};
  if (::read(signal_fd, &info, sizeof info) != sizeof info) return FailErrno("read stop signal");
  return static_cast<int>(info.ssi_signo);
}

// The next retry or look at the kernel, and what the last one said.
class Upkeep {
 public:
  explicit Upkeep(Agent& agent) : agent_(agent) {}

  [[nodiscard]] int WaitMilliseconds() const {
    const auto due = agent_.settled() ? heal_at_ : std::min(retry_at_, heal_at_);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    return static_cast<int>(std::max(wait, std::chrono::milliseconds(0)).count());
  }

  void Run(bool source_changed) {
    const auto now = Clock::now();
    if (source_changed || (!agent_.settled() && now >= retry_at_)) Note(agent_.Sync());
    if (now >= heal_at_) {
      Note(agent_.Heal());
      heal_at_ = now + kHealEvery;
    }
  }

 private:
  // When it changes, not each time.
  void Note(const Result<>& result) {
    const std::string said = result ? "" : result.error().message();
    if (!said.empty() && said != said_) spdlog::error("policy not in force: {}", said);
    if (said.empty() && !said_.empty()) spdlog::info("policy is in force again");
    said_ = said;
    retry_at_ = Clock::now() + kRetryEvery;
  }

  Agent& agent_;
  std::string said_;
  Clock::time_point retry_at_;
  Clock::time_point heal_at_ = Clock::now() + kHealEvery;
};

}  // namespace

Result<int> RunUntilSignal(const Events& events, Agent& agent) {
  Upkeep upkeep(agent);
  std::array<pollfd, 3> ready{{{events.signal_fd, POLLIN, 0},
                               {events.source.event_fd(), POLLIN, 0},
                               {events.server.event_fd(), POLLIN, 0}}};
  for (;;) {
    if (::poll(ready.data(), ready.size(), upkeep.WaitMilliseconds()) < 0 && errno != EINTR) {
      return FailErrno("wait for events");
    }
    if (ready[0].revents != 0) return ReadSignal(events.signal_fd);
    upkeep.Run(ready[1].revents != 0);
    if (ready[2].revents != 0) {
      if (auto served = events.server.ServeReady(); !served) {
        spdlog::error("serve: {}", served.error().message());
      }
    }
  }
}

}  // namespace trivet::netpolicy
