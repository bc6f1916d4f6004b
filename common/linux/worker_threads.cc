#include "common/linux/worker_threads.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "common/linux/processors.h"
#include "common/linux/scheduling.h"

namespace trivet {
namespace {

using Work = std::function<void()>;

// Threads; each holds some 50 KiB, for a while. Many: one that ends has a lock of the C library
// that whoever makes a thread waits for, and may be kept from running while it has.
constexpr size_t kMostWaiting = 64;
constexpr auto kPatience = std::chrono::seconds(10);

// A thread that waits.
struct Waiter {
  pid_t thread = ::gettid();
  std::condition_variable given;
  Work work;
  Sent sent;  // until it runs, or until its work is done
  bool stays = false;
};

// Of those that wait the one that came last is the next: what it uses is still in the caches.
struct Pool {
  std::mutex mutex;
  std::vector<std::shared_ptr<Waiter>> waiting;
};

// Nothing when there is no work for a while, or when enough threads wait.
Work NextWork(Pool& pool, Sent& sent) {
  std::unique_lock lock(pool.mutex);
  if (pool.waiting.size() >= kMostWaiting) return {};
  const auto self = std::make_shared<Waiter>();
  pool.waiting.push_back(self);
  self->given.wait_for(lock, kPatience, [&] { return self->work != nullptr; });
  if (!self->work) std::erase(pool.waiting, self);
  lock.unlock();
  sent = std::move(self->sent);
  if (!self->stays) sent.End();
  return std::move(self->work);
}

// Shared, as threads may outlive the end of main.
void Serve(const std::shared_ptr<Pool>& pool, Work work) {
  BeOrdinary();
  Sent sent;
  while (work) {
    work();
    work = {};  // what it holds is not held while the thread waits
    sent.End();
    work = NextWork(*pool, sent);
  }
}

// True when a thread waits that takes it. It is woken without the lock, which it needs itself.
bool HandOver(Pool& pool, Work& work, Where where) {
  std::shared_ptr<Waiter> waiter;
  {
    const std::scoped_lock lock(pool.mutex);
    if (pool.waiting.empty()) return false;
    waiter = std::move(pool.waiting.back());
    pool.waiting.pop_back();
    if (where != Where::kAnywhere) waiter->sent = SendElsewhere(waiter->thread);
    waiter->stays = where == Where::kApart;
    waiter->work = std::move(work);
  }
  waiter->given.notify_one();
  return true;
}

}  // namespace

void RunAside(Work work, Where where) {
  static const auto pool = std::make_shared<Pool>();
  if (HandOver(*pool, work, where)) return;
  std::thread([pool = pool, work = std::move(work)]() mutable {
    Serve(pool, std::move(work));
  }).detach();
}

bool TryRunAside(Work work, Where where) {
  try {
    RunAside(std::move(work), where);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace trivet
