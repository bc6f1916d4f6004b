#include "common/linux/worker_threads.h"

#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "common/linux/inheriting_mutex.h"
#include "common/linux/processors.h"
#include "common/linux/scheduling.h"

namespace trivet {
namespace {

using Work = std::function<void()>;

// Threads; each holds some 50 KiB, for a while. Many: one that ends has a lock of the C library
// that whoever makes a thread waits for, and may be kept from running while it has.
constexpr size_t kMostWaiting = 64;
constexpr auto kPatience = std::chrono::seconds(10);

// A thread that waits. By a semaphore: whoever gives it work takes no lock that an ordinary thread
// may have.
class Waiter {
 public:
  Waiter() { ::sem_init(&given_, 0, 0); }
  ~Waiter() { ::sem_destroy(&given_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void Wake() { ::sem_post(&given_); }

  // False when nobody wakes it for a while. By the clock that may be set, as ThreadSanitizer does
  // not know sem_clockwait(3).
  bool Wait() {
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += kPatience.count();
    while (::sem_timedwait(&given_, &until) != 0) {
      if (errno != EINTR) return false;
    }
    return true;
  }

  pid_t thread = ::gettid();
  Work work;
  Sent sent;  // until it runs, or until its work is done
  bool stays = false;

 private:
  sem_t given_{};
};

// Of those that wait the one that came last is the next: what it uses is still in the caches.
struct Pool {
  InheritingMutex mutex;
  std::vector<std::shared_ptr<Waiter>> waiting;
};

bool Enter(Pool& pool, const std::shared_ptr<Waiter>& waiter) {
  const std::scoped_lock lock(pool.mutex);
  if (pool.waiting.size() >= kMostWaiting) return false;
  pool.waiting.push_back(waiter);
  return true;
}

// False when it is not there any more: it was given work.
bool Leave(Pool& pool, const std::shared_ptr<Waiter>& waiter) {
  const std::scoped_lock lock(pool.mutex);
  return std::erase(pool.waiting, waiter) > 0;
}

// Nothing when there is no work for a while, or when enough threads wait.
Work NextWork(Pool& pool, Sent& sent) {
  const auto self = std::make_shared<Waiter>();
  if (!Enter(pool, self)) return {};
  while (!self->Wait()) {
    if (Leave(pool, self)) return {};
  }
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
  waiter->Wake();
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
