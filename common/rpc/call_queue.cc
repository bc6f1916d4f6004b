#include "common/rpc/call_queue.h"

#include "common/linux/worker_threads.h"

namespace trivet::rpc {

CallQueue::CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)), thread_([this] { Loop(); }) {}

CallQueue::~CallQueue() {
  {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return aside_ == 0; });
  }
  queue_->Shutdown();
  thread_.join();
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

void CallQueue::Loop() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<QueuedEvent*>(tag)->Come(ok);
}

}  // namespace trivet::rpc
