#include "common/linux/worker_threads.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "common/linux/scheduling.h"

namespace trivet {
namespace {

using Work = std::function<void()>;

// Threads; each holds some 50 KiB, for a while. Many: one that ends has a lock of the C library
// that whoever makes a thread waits for, and may be kept from running while it has.
constexpr size_t kMostWaiting = 64;
constexpr auto kPatience = std::chrono::seconds(10);

struct Queue {
  std::mutex mutex;
  std::condition_variable added;
  std::deque<Work> works;  // each has a waiting thread that is to take it
  size_t waiting = 0;      // threads
};

// Nothing when there is no work for a while, or when enough threads wait.
Work NextWork(Queue& queue) {
  std::unique_lock lock(queue.mutex);
  if (queue.works.empty() && queue.waiting >= kMostWaiting) return {};
  ++queue.waiting;
  queue.added.wait_for(lock, kPatience, [&] { return !queue.works.empty(); });
  --queue.waiting;
  if (queue.works.empty()) return {};
  Work work = std::move(queue.works.front());
  queue.works.pop_front();
  return work;
}

// Shared, as threads may outlive the end of main.
void Serve(const std::shared_ptr<Queue>& queue, Work work) {
  BeOrdinary();
  while (work) {
    work();
    work = {};  // what it holds is not held while the thread waits
    work = NextWork(*queue);
  }
}

// True when a thread waits that takes it.
bool HandOver(Queue& queue, Work& work) {
  const std::scoped_lock lock(queue.mutex);
  if (queue.waiting <= queue.works.size()) return false;
  queue.works.push_back(std::move(work));
  queue.added.notify_one();
  return true;
}

}  // namespace

void RunAside(Work work) {
  static const auto queue = std::make_shared<Queue>();
  if (HandOver(*queue, work)) return;
  std::thread([queue = queue, work = std::move(work)]() mutable {
    Serve(queue, std::move(work));
  }).detach();
}

}  // namespace trivet
