#include "tests/bench/cri/echo.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/linux/file.h"

namespace trivet::bench {
namespace {

constexpr auto kPause = std::chrono::milliseconds(2);

bool Send(const UniqueFd& socket) {
  return ::send(socket.get(), "1", 1, MSG_NOSIGNAL) == 1;
}
bool Receive(const UniqueFd& socket) {
  char byte = 0;
  return ::recv(socket.get(), &byte, 1, 0) == 1;
}

}  // namespace

Result<> BeRealTime() {
  const sched_param lowest{.sched_priority = 1};
  ASSIGN_OR_RETURN(const std::vector<std::string> threads, ListDirectory("/proc/self/task"));
  for (const std::string& thread : threads) {
    if (::sched_setscheduler(std::stoi(thread), SCHED_RR, &lowest) != 0) {
      return FailErrno("real-time priority");
    }
  }
  return {};
}

Result<std::unique_ptr<Echo>> Echo::Start(OnAnswer on_answer) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return FailErrno("socketpair");
  }
  return std::unique_ptr<Echo>(
      new Echo(UniqueFd(ends[0]), UniqueFd(ends[1]), std::move(on_answer)));
}

Echo::Echo(UniqueFd near, UniqueFd far, OnAnswer on_answer)
    : near_(std::move(near)), far_(std::move(far)) {
  answers_ = std::thread([this] {
    while (Receive(far_) && Send(far_)) {
    }
  });
  asks_ = std::thread([this, on_answer = std::move(on_answer)] {
    while (!over_) {
      const auto start = Samples::Clock::now();
      if (!Send(near_) || !Receive(near_)) return;
      on_answer(Samples::Clock::now() - start);
      std::this_thread::sleep_for(kPause);
    }
  });
}

Echo::~Echo() {
  over_ = true;
  asks_.join();
  ::shutdown(near_.get(), SHUT_RDWR);
  answers_.join();
}

}  // namespace trivet::bench
