#include "common/rpc/call_queue.h"

#include <utility>

#include "common/linux/worker_threads.h"

namespace trivet::rpc {
namespace {

QueuedEvent& EventOf(void* tag) {
  return *static_cast<QueuedEvent*>(tag);
}

}  // namespace

// The second is no listener's: what comes is polled for by whoever waits on the first alone.
CallQueue::CallQueue(grpc::ServerBuilder& builder)
    : coming_(builder.AddCompletionQueue()), ending_(builder.AddCompletionQueue(false)) {}

void CallQueue::Begin() {
  thread_ = std::thread([this] { Loop(); });
}

CallQueue::~CallQueue() {
  {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return aside_ == 0; });
  }
  coming_->Shutdown();
  if (thread_.joinable()) thread_.join();
  ending_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (ending_->Next(&tag, &ok)) EventOf(tag).End();
}

bool CallQueue::TryAside(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    ++aside_;
    works_.push_back(std::move(work));
    if (std::exchange(begins_, true)) return true;
  }
  if (TryRunAside([this] { WorkAside(); })) return true;
  {
    const std::scoped_lock lock(mutex_);
    begins_ = false;
    works_.pop_back();  // the only one: nobody else adds any
  }
  EndWork();
  return false;
}

bool CallQueue::HasManyAside() {
  const std::scoped_lock lock(mutex_);
  return aside_ > 1;
}

// Where there can be no other thread, this one does what is left.
void CallQueue::WorkAside() {
  bool more = true;
  for (std::function<void()> work; more;) {
    more = TakeWork(work);
    if (more && TryRunAside([this] { WorkAside(); })) more = false;
    work();
    work = {};
    EndWork();
  }
}

// The last thing that whoever works does here: the queue may end with it.
void CallQueue::EndWork() {
  const std::scoped_lock lock(mutex_);
  if (--aside_ == 0) none_.notify_all();
}

// The first; true when there are more, of which the caller has another thread begin.
bool CallQueue::TakeWork(std::function<void()>& work) {
  const std::scoped_lock lock(mutex_);
  work = std::move(works_.front());
  works_.pop_front();
  begins_ = !works_.empty();
  return begins_;
}

void CallQueue::EndOne() {
  void* tag = nullptr;
  bool ok = false;
  const auto now = std::chrono::system_clock::time_point::min();
  if (ending_->AsyncNext(&tag, &ok, now) == grpc::CompletionQueue::GOT_EVENT) EventOf(tag).End();
}

void CallQueue::Loop() {
  void* tag = nullptr;
  bool ok = false;
  while (coming_->Next(&tag, &ok)) EventOf(tag).Come(ok);
}

}  // namespace trivet::rpc
