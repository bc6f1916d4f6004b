#include "tests/bench/cri/commands.h"

#include <atomic>
#include <sstream>
#include <thread>

#include "tests/bench/cri/echo.h"

namespace trivet::bench {
namespace {

// Calls work(0) … work(count - 1) from `workers` threads; the first failure ends it.
template <class Work>
Result<> InParallel(int count, int workers, Work work) {
  std::atomic<int> next = 0;
  std::mutex mutex;
  Result<> outcome;
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::min(workers, count); ++i) {
    threads.emplace_back([&] {
      for (int item = next++; item < count; item = next++) {
        auto done = work(item);
        if (done) continue;
        const std::scoped_lock lock(mutex);
        outcome = std::move(done);
        next = count;
      }
    });
  }
  threads.clear();
  return outcome;
}

}  // namespace

Result<> Commands::Run(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  words >> name;
  if (name == "pull") {
    std::string image;
    words >> image;
    return pods_.Pull(image);
  }
  if (name == "lists-until") {
    std::string file;
    int at_least = 0;
    words >> file >> at_least;
    return ListsUntil(file, at_least);
  }
  int first = 0;
  int second = 0;
  words >> first >> second;
  if (name == "life") return Life();
  if (name == "up") return Up(first, second);
  if (name == "down") return Down(first);
  if (name == "exec") return Exec(first);
  if (name == "probes") return Probes(first, second);
  if (name == "lists") return Lists(first, false);
  if (name == "lists-and-stats") return Lists(first, true);
  return Fail(Code::kInvalidArgument, "no such command: {}", line);
}

Result<> Commands::Life() {
  ASSIGN_OR_RETURN(const Pod pod, pods_.Start());
  RETURN_IF_ERROR(pods_.Exec(pod));
  return pods_.End(pod);
}

Result<> Commands::Up(int count, int workers) {
  const size_t before = up_.size();
  up_.resize(before + static_cast<size_t>(count));
  return InParallel(count, workers, [&](int i) -> Result<> {
    ASSIGN_OR_RETURN(up_[before + static_cast<size_t>(i)], pods_.Start());
    return {};
  });
}

Result<> Commands::Down(int workers) {
  const std::vector<Pod> pods = std::exchange(up_, {});
  return InParallel(static_cast<int>(pods.size()), workers,
                    [&](int i) { return pods_.End(pods[static_cast<size_t>(i)]); });
}

Result<> Commands::Exec(int count) {
  if (up_.empty()) return Fail(Code::kInvalidArgument, "no pod is up");
  for (int i = 0; i < count; ++i) RETURN_IF_ERROR(pods_.Exec(up_.front()));
  return {};
}

// At fixed moments, as probes come: what one takes does not put off the next.
Result<> Commands::Probes(int seconds, int per_second) {
  if (up_.empty()) return Fail(Code::kInvalidArgument, "no pod is up");
  auto due = Samples::Clock::now();
  for (int i = 0; i < seconds * per_second; ++i) {
    RETURN_IF_ERROR(pods_.Exec(up_[static_cast<size_t>(i) % up_.size()]));
    due += std::chrono::microseconds(1'000'000 / per_second);
    std::this_thread::sleep_until(due);
  }
  return {};
}

Result<> Commands::Lists(int count, bool stats) {
  for (int i = 0; i < count; ++i) {
    RETURN_IF_ERROR(pods_.List(stats, static_cast<int>(up_.size())));
  }
  return {};
}

// As fast as it can while another process starts pods. It has real-time priority: what is timed is
// the answer, not when this process's own turn comes. What the machine itself allows is measured
// beside it.
Result<> Commands::ListsUntil(const std::filesystem::path& file, int at_least) {
  RETURN_IF_ERROR(BeRealTime());
  RETURN_IF_ERROR(pods_.List(false, at_least));
  pods_.TakeSamples();  // of a connection that was being made
  ASSIGN_OR_RETURN(const auto echo, Echo::Start([this](auto taken) { pods_.Add("Echo", taken); }));
  while (!std::filesystem::exists(file)) RETURN_IF_ERROR(pods_.List(false, at_least));
  return {};
}

}  // namespace trivet::bench
