#include "netpolicy/service/daemon.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace trivet::netpolicy {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kRetryEvery = std::chrono::seconds(1);
constexpr auto kVerifyEvery = std::chrono::seconds(60);

Result<int> ReadSignal(int signal_fd) {
  signalfd_siginfo info{};
  if (::read(signal_fd, &info, sizeof info) != sizeof info) return FailErrno("read stop signal");
  return static_cast<int>(info.ssi_signo);
}

// The agent's work that nobody asks for: what is due when, and what the last result said.
class Upkeep {
 public:
  Upkeep(Agent& agent, Firewall& firewall) : agent_(agent), firewall_(firewall) {}

  [[nodiscard]] int WaitMilliseconds() const {
    auto due = verify_at_;
    if (!agent_.settled()) due = std::min(due, retry_at_);
    if (disturbed_) due = std::min(due, restore_at_);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    return static_cast<int>(std::max(wait, std::chrono::milliseconds(0)).count());
  }

  void Run(bool source_changed) {
    const auto now = Clock::now();
    if (source_changed || (!agent_.settled() && now >= retry_at_)) Note(agent_.Sync());
    const auto disturbed = firewall_.TakeDisturbance();
    disturbed_ = disturbed_ || !disturbed || *disturbed;
    if (disturbed_ && now >= restore_at_) {
      Note(agent_.Restore("somebody else changed it, or may have"));
      disturbed_ = false;
      restore_at_ = now + kRetryEvery;
    }
    if (now >= verify_at_) {
      Note(agent_.Verify());
      verify_at_ = now + kVerifyEvery;
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
  Firewall& firewall_;
  bool disturbed_ = false;
  std::string said_;
  Clock::time_point retry_at_;
  Clock::time_point restore_at_;  // not more often: two agents on one table would only fight
  Clock::time_point verify_at_ = Clock::now() + kVerifyEvery;
};

}  // namespace

Result<int> RunUntilSignal(const Events& events, Agent& agent) {
  Upkeep upkeep(agent, events.firewall);
  std::array<pollfd, 4> ready{{{events.signal_fd, POLLIN, 0},
                               {events.source.event_fd(), POLLIN, 0},
                               {events.firewall.event_fd(), POLLIN, 0},
                               {events.server.event_fd(), POLLIN, 0}}};
  for (;;) {
    if (::poll(ready.data(), ready.size(), upkeep.WaitMilliseconds()) < 0 && errno != EINTR) {
      return FailErrno("wait for events");
    }
    if (ready[0].revents != 0) return ReadSignal(events.signal_fd);
    upkeep.Run(ready[1].revents != 0);
    if (ready[3].revents != 0) {
      if (auto served = events.server.ServeReady(); !served) {
        spdlog::error("serve: {}", served.error().message());
      }
    }
  }
}

}  // namespace trivet::netpolicy
