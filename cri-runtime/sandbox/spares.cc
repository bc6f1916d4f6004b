#include "cri-runtime/sandbox/spares.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/linux/memory.h"
#include "common/linux/worker_threads.h"

namespace trivet::sandbox {

Spares::~Spares() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !is_kept_; });
}

std::unique_ptr<Spare> Spares::Take() {
  const std::scoped_lock lock(mutex_);
  taken_ = Clock::now();
  can_make_ = true;
  if (!is_kept_ && !stopping_) is_kept_ = TryRunAside([this] { Keep(); });
  return std::move(spare_);
}

void Spares::GiveBack(std::unique_ptr<Spare> spare) {
  const std::scoped_lock lock(mutex_);
  if (is_kept_ && !stopping_ && spare_ == nullptr) spare_ = std::move(spare);
}

void Spares::OnStart() {
  const std::scoped_lock lock(mutex_);
  ++starts_;
}

void Spares::OnStarted() {
  const std::scoped_lock lock(mutex_);
  quiet_ = Clock::now();
  if (--starts_ == 0 && is_kept_ && spare_ == nullptr) changed_.notify_all();
}

bool Spares::IsWanted() const {
  return !stopping_ && Clock::now() < taken_ + times_.idle;
}

// A pod may come while the spare is ended.
void Spares::Keep() {
  std::unique_lock lock(mutex_);
  while (IsWanted() || spare_ != nullptr) {
    while (IsWanted()) Look(lock);
    auto unused = std::move(spare_);
    lock.unlock();
    unused.reset();
    lock.lock();
  }
  is_kept_ = false;
  changed_.notify_all();
  lock.unlock();
  GiveBackFreed();  // what many pods at once took; it is quiet now
}

// Makes the spare, or waits until there may be something to do.
void Spares::Look(std::unique_lock<std::mutex>& lock) {
  const auto end = taken_ + times_.idle;
  if (spare_ != nullptr || starts_ > 0 || !can_make_) {
    changed_.wait_until(lock, end);
  } else if (Clock::now() < quiet_ + times_.pause) {
    changed_.wait_until(lock, quiet_ + times_.pause);
  } else {
    MakeOne(lock);
  }
}

void Spares::MakeOne(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto made = make_();
  if (!made) spdlog::warn("no sandbox is made ahead error=\"{}\"", made.error().message());
  lock.lock();
  can_make_ = made.has_value();
  if (made) spare_ = std::make_unique<Spare>(std::move(*made));
}

}  // namespace trivet::sandbox
