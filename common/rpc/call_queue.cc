#include "common/rpc/call_queue.h"

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
  }
  const auto end = [this] {
    const std::scoped_lock lock(mutex_);
    if (--aside_ == 0) none_.notify_all();
  };
  const bool begun = TryRunAside([work = std::move(work), end] {
    work();
    end();
  });
  if (!begun) end();
  return begun;
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
